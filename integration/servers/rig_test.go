package servers_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/crowd"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// TestMain runs the tests and then ends what they shared.
func TestMain(m *testing.M) {
	const atOnce = 4                 // most tests wait
	os.Exit(lifetime.Run(m, atOnce)) //nolint:forbidigo // a fault of the last cleanups has no test to fail
}

const (
	// policy lets everybody pull, and gives each group a folder of its name.
	policy = `version: 1
rules:
  - {who: signed-in, can: pull, repos: everybody/**}
  - {who: "group:<team>", can: [pull, push], repos: teams/<team>/**}
`
	// worst is how long an answer may take, and slack what a busy machine and the race detector add.
	worst, slack = 5 * time.Second, time.Second
	// recovery is how soon after its directory the gate must serve again.
	recovery = 60 * time.Second
)

// start starts a gate to which one address may fail as often as it likes.
func start(t testing.TB, d gate.Directory, edits ...func(gate.Settings)) *gate.Gate {
	t.Helper()
	return gate.Start(t, d, policy, append([]func(gate.Settings){gate.WithoutAddressLimit}, edits...)...)
}

// servers names the servers of the directory.
func servers(urls ...string) func(gate.Settings) {
	return func(s gate.Settings) { s.Directory()["servers"] = urls }
}

// uncached lets the gate remember hardly anything, so that every login searches and binds.
func uncached(s gate.Settings) {
	s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "0s"}
}

// errNotServed means that no token was granted.
var errNotServed = errors.New("not served")

// awaitGrant waits until tokens are granted.
func awaitGrant(t *testing.T, g *gate.Gate, user, password string) {
	t.Helper()
	loopback.Eventually(t, recovery, func() error {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("the gate answers %d", answer.Status)
		}
		return err
	})
}

// person is the name of one of many people.
func person(i int) string { return fmt.Sprintf("u%05d", 1+i) }

// startLoad lets so many people ask until the crowd is stopped.
func startLoad(t *testing.T, g *gate.Gate, password string, people int) *crowd.Crowd {
	t.Helper()
	return startLoadOf(t, g, password, people, person)
}

// startLoadOf is startLoad for people of other names.
func startLoadOf(t *testing.T, g *gate.Gate, password string, people int, person func(int) string) *crowd.Crowd {
	t.Helper()
	o := crowd.Options{Password: password, Scope: "repository:everybody/x:pull", Worst: worst + slack, Patience: recovery}
	for i := range people {
		o.Users = append(o.Users, person(i))
	}
	return crowd.Start(t, g.Asker(gate.Service), o)
}

// awaitUsage waits until the gate holds no more than before, but for idle connections that come and go.
func awaitUsage(t *testing.T, g *gate.Gate, files, goroutines int) {
	t.Helper()
	const margin = 12
	loopback.Eventually(t, recovery, func() error {
		if f, n := g.Usage(t); f > files+margin || n > goroutines+margin {
			return fmt.Errorf("open files %d and goroutines %d, before %d and %d", f, n, files, goroutines)
		}
		return nil
	})
}
