package servers_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// kills is how often a server is killed; make soak wants more.
var kills = flag.Int("kills", 50, "how often TestLDAP41_Kills kills a server")

// clients is how many people the load is.
const clients = 8

// TestLDAP41_Kills: a server that is killed again and again, in the middle of searches and binds, harms nothing but
// the binds that were on their way, which are answered 503: the other server answers. Nothing is left behind.
func TestLDAP41_Kills(t *testing.T) {
	t.Parallel()
	first, second, g := startPair(t, uncached)
	load := startLoad(t, g, first.Password, clients)
	load.Await(t, http.StatusOK, 100)
	files, goroutines := g.Usage(t)
	for i := range *kills {
		victim := first
		if i%2 == 1 {
			victim = second
		}
		victim.Kill(t)
		load.Await(t, http.StatusOK, clients)
		victim.Restart(t)
		awaitAllInService(t, g)
		if done := i + 1; done%50 == 0 {
			t.Logf("%d of %d kills, %d answers 503", done, *kills, load.Answers(http.StatusServiceUnavailable))
		}
	}
	load.Stop(t)
	for op, label := range map[string]string{"binds": `op="user_bind"`, "searches": `op="search"`} {
		lost := g.Metric(t, "wharfgate_ldap_operations_total", label, `result="error"`)
		t.Logf("%d kills: %v %s were on their way", *kills, lost, op)
	}
	if n := load.Answers(http.StatusServiceUnavailable); n > *kills*clients {
		t.Errorf("%d answers 503 for %d kills, want at most what was on its way", n, *kills)
	}
	awaitUsage(t, g, files, goroutines)
}

// awaitAllInService waits until the gate asks every server again.
func awaitAllInService(t *testing.T, g *gate.Gate) {
	t.Helper()
	loopback.Eventually(t, recovery, func() error {
		if n := g.Metric(t, "wharfgate_ldap_breaker_open"); n > 0 {
			return fmt.Errorf("%v servers are out of service", n)
		}
		return nil
	})
}

// TestLDAP41_ThousandCuts: a thousand connections that are cut, each time in the middle of a bind or a search. No bind
// is sent twice, and nothing is left behind.
func TestLDAP41_ThousandCuts(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	u, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	way := tap.Start(t, u.Host, d.TLS(t))
	g := start(t, d, uncached, servers(way.URL), func(s gate.Settings) {
		s.Directory()["tls"] = gate.Settings{"ca_file": way.CAFile}
	})
	load := startLoad(t, g, d.Password, clients)
	load.Await(t, http.StatusOK, 100)
	files, goroutines := g.Usage(t)
	const cuts, each = 1000, 25
	var seen, binds, searches atomic.Int64
	cut := make(chan struct{}, 1)
	way.Lose(func(r tap.Request) bool {
		if seen.Add(1)%each != 0 || r.Operation != tap.Bind && r.Operation != tap.Search {
			return false
		}
		select {
		case cut <- struct{}{}:
		default:
			return false
		}
		if r.Operation == tap.Bind {
			binds.Add(1)
		} else {
			searches.Add(1)
		}
		return true
	})
	for before := way.Connections(); way.Connections() < before+cuts; {
		<-cut
		way.Cut()
	}
	way.Lose(nil)
	load.Await(t, http.StatusOK, 100)
	load.Stop(t)
	if binds.Load() == 0 || searches.Load() == 0 {
		t.Errorf("cut in %d binds and %d searches, want some of both", binds.Load(), searches.Load())
	}
	t.Logf("%d connections, cut in %d binds and %d searches", way.Connections(), binds.Load(), searches.Load())
	sent := make([]int, clients)
	for _, r := range way.Requests() {
		for i := range sent {
			if r.Operation == tap.Bind && strings.HasPrefix(r.Name, "uid="+person(i)+",") {
				sent[i]++
			}
		}
	}
	for i, n := range sent {
		if asked := load.Asked(i); n > asked {
			t.Errorf("%d binds for %d logins of %s: one was sent twice", n, asked, person(i))
		}
	}
	awaitUsage(t, g, files, goroutines)
}
