package bench_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// TestMain runs the tests and benchmarks and then ends what they shared.
func TestMain(m *testing.M) {
	os.Exit(lifetime.Run(m, 1)) //nolint:forbidigo // a fault of the last cleanups has no test to fail
}

// teamFolders gives each group a folder of its name.
const teamFolders = `version: 1
rules:
  - {who: "group:<team>", can: [pull, push], repos: teams/<team>/**}
`

// startFor runs the program for a directory until the test ends. One address may fail as often as it likes.
func startFor(t testing.TB, d gate.Directory, edits ...func(gate.Settings)) *program {
	t.Helper()
	config, settings := configureFor(t, d, teamFolders, append([]func(gate.Settings){gate.WithoutAddressLimit}, edits...)...)
	return runProgram(t, config, settings)
}

// granted asks for a token on a repository and fails without one.
func granted(t testing.TB, p *program, user, password, repository string) client.Answer {
	t.Helper()
	a, err := p.Asker(gate.Service).Ask(t.Context(), user, password, "repository:"+repository+":pull")
	if err != nil || len(a.Claims.Access) != 1 || a.Claims.Access[0].Name != repository {
		t.Fatalf("%s on %s: %d %s, %v", user, repository, a.Status, a.Body, err)
	}
	return a
}

// domain takes the first login of somebody in 300 nested groups on a domain, and the second one. The gate is a new one
// each time, to which one other account has logged in.
func (s *session) domain(t testing.TB) {
	const repository, most, longest = "teams/wide50-1/x", 5, 500
	d := samba.Shared(t)
	var cold, warm []float64
	coldTrips, warmBinds := 0, 0
	for range 2 * s.rounds {
		way := tap.Start(t, d.Address+":636", d.TLS(t))
		p := startFor(t, d, func(g gate.Settings) {
			g.Directory()["servers"] = []string{way.URL}
			g.Directory()["tls"] = gate.Settings{"ca_file": way.CAFile}
		})
		learnDomain(t, p, d, way)
		mark := way.Mark()
		cold = append(cold, milliseconds(granted(t, p, "wanda", d.Password, repository).Took))
		coldTrips = max(coldTrips, tripsOf(d, way.Since(mark)))
		mark = way.Mark()
		warm = append(warm, milliseconds(granted(t, p, "wanda", d.Password, repository).Took))
		warmBinds = max(warmBinds, tripsOf(d, way.Since(mark)))
		stop(t, p)
	}
	s.add("Samba, 300 nested groups, cold login", fmt.Sprintf("%.0f ms (%s)", median(cold), spread("%.0f", cold)), "at most 500 ms", judge(median(cold) <= longest))
	s.add("the same, round trips", strconv.Itoa(coldTrips), "at most 5", judge(coldTrips <= most))
	s.add("the same, warm login", fmt.Sprintf("%.0f ms (%s), %d round trip", median(warm), spread("%.0f", warm), warmBinds), "1 bind", judge(warmBinds == 1))
}

// learnDomain lets somebody else log in until the gate knows that the server takes ids at a bind.
func learnDomain(t testing.TB, p *program, d *samba.Server, way *tap.Tap) {
	t.Helper()
	const patience = 20 * time.Second
	loopback.Eventually(t, patience, func() error {
		mark := way.Mark()
		granted(t, p, "alice", d.Password, "teams/gl-devs/x")
		for _, r := range way.Since(mark) {
			if r.Operation == tap.Bind && strings.HasPrefix(r.Name, "<GUID=") {
				return nil
			}
		}
		return errors.New("accounts are bound by their DN")
	})
}

// tripsOf counts the requests for whose answers a login waits.
func tripsOf(d *samba.Server, requests []tap.Request) int {
	n := 0
	for _, r := range requests {
		if r.IsTrip() && r.Name != "" && r.Name != d.BindDN {
			n++
		}
	}
	return n
}

// times compares how long wrong passwords take at names that exist and at names that do not. The two take turns.
func (s *session) times(t testing.TB) {
	const tries, each, near = 500, 4, 10
	d := samba.Shared(t)
	p := startFor(t, d)
	for i := range 2 * each { // so that the gate knows how long a bind takes
		refused(t, p, "u0050", "warm up "+strconv.Itoa(i))
		granted(t, p, "alice", d.Password, "teams/gl-devs/x")
	}
	var known, unknown []float64
	for i := range tries / each {
		name := fmt.Sprintf("timed%03d", i)
		d.AddUser(t, samba.User{Name: name})
		for try := range each {
			password := "wrong " + strconv.Itoa(try)
			one, two := refused(t, p, name, password), refused(t, p, fmt.Sprintf("nobody%03d", i), password)
			if one.Status != two.Status {
				t.Fatalf("a known name = %d, an unknown one = %d", one.Status, two.Status)
			}
			known, unknown = append(known, milliseconds(one.Took)), append(unknown, milliseconds(two.Took))
		}
	}
	stop(t, p)
	apart := max(median(known), median(unknown)) - min(median(known), median(unknown))
	s.add(fmt.Sprintf("Samba, wrong passwords, medians of %d tries", tries),
		fmt.Sprintf("known name %.1f ms, unknown name %.1f ms", median(known), median(unknown)), "within 10 ms", judge(apart <= near))
}

// refused asks for a token with a password that is wrong.
func refused(t testing.TB, p *program, user, password string) client.Answer {
	t.Helper()
	a, err := p.Asker(gate.Service).Ask(t.Context(), user, password)
	if err != nil || a.Status != http.StatusUnauthorized && a.Status != http.StatusTooManyRequests {
		t.Fatalf("a wrong password of %s = %d, %v, want 401 or 429", user, a.Status, err)
	}
	return a
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
