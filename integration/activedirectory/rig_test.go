package activedirectory_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// TestMain runs the tests and then ends what they shared.
func TestMain(m *testing.M) {
	const atOnce = 4                 // most tests wait
	os.Exit(lifetime.Run(m, atOnce)) //nolint:forbidigo // a fault of the last cleanups has no test to fail
}

// policy gives each group a folder of its name.
const policy = `version: 1
rules:
  - {who: signed-in, can: pull, repos: everybody/**}
  - {who: "group:<team>", can: [pull, push], repos: teams/<team>/**}
`

// soon bounds the wait for what happens at once but not before an answer.
const soon = 10 * time.Second

// theGate is shared by the tests that break nothing.
var theGate struct {
	sync.Mutex
	gate *gate.Gate
}

// shared returns the domain and the gate that the first test that asks starts.
func shared(t *testing.T) (*samba.Server, *gate.Gate) {
	t.Helper()
	d := samba.Shared(t)
	theGate.Lock()
	defer theGate.Unlock()
	if theGate.gate == nil {
		lifetime.During(t, func(all testing.TB) { theGate.gate = start(all, d) })
	}
	return d, theGate.gate
}

// start starts a gate of a test's own, to which one address may fail as often as it likes.
func start(t testing.TB, d gate.Directory, edits ...func(gate.Settings)) *gate.Gate {
	t.Helper()
	return gate.Start(t, d, policy, append([]func(gate.Settings){gate.WithoutAddressLimit, gate.Patient}, edits...)...)
}

// prepare is start without running the gate, for its commands.
func prepare(t testing.TB, d gate.Directory, edits ...func(gate.Settings)) *gate.Gate {
	t.Helper()
	return gate.Prepare(t, d, policy, append([]func(gate.Settings){gate.WithoutAddressLimit, gate.Patient}, edits...)...)
}

// mustRefuse asks for a token and fails the test unless that is 401 for a reason.
func mustRefuse(t *testing.T, g *gate.Gate, user, password, reason string) client.Answer {
	t.Helper()
	answer := g.Ask(t, user, password)
	if answer.Status != http.StatusUnauthorized || answer.Token != "" {
		t.Errorf("token for %q = %d %s, want 401", user, answer.Status, answer.Body)
	}
	if line := g.RequestLine(t, answer); line["reason"] != reason {
		t.Errorf("token for %q: reason = %v, want %s: %v", user, line["reason"], reason, line)
	}
	return answer
}

// found is what the login command says of an account.
type found struct {
	OK             bool
	Directory      string
	Name, ID, DN   string
	Groups         []string
	Reason, Detail string
	// shortNames are those of Groups that have one.
	shortNames []string
}

// login tries a login by the command.
func login(t *testing.T, g *gate.Gate, user, password string) found {
	t.Helper()
	said := g.Run(t, password+"\n", "login --json", user)
	var f found
	if err := json.Unmarshal([]byte(said.Out), &f); err != nil {
		t.Fatalf("login %q = %d: %v\n%s%s", user, said.Code, err, said.Out, said.Err)
	}
	for _, group := range f.Groups { // name  (DN), or the DN alone
		if name, _, named := strings.Cut(group, "  ("); named {
			f.shortNames = append(f.shortNames, name)
		}
	}
	return f
}

// granted returns the actions that a token grants on a repository.
func granted(a client.Answer, repository string) []string {
	i := slices.IndexFunc(a.Claims.Access, func(x client.Access) bool { return x.Name == repository })
	if i < 0 {
		return nil
	}
	return a.Claims.Access[i].Actions
}

// through makes a gate reach its directory by a tap.
func through(p *tap.Tap) func(gate.Settings) {
	return func(s gate.Settings) {
		s.Directory()["servers"] = []string{p.URL}
		s.Directory()["tls"] = gate.Settings{"ca_file": p.CAFile}
	}
}
