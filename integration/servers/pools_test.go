package servers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// parallel is how many people log in at once.
const parallel = 64

// logInAll logs so many people in at once, as often as said, and fails the test where one is not told the own groups.
func logInAll(t *testing.T, g *gate.Gate, password string, people, times int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			for range times {
				next := (i + 1) % people
				answer, err := g.Asker(gate.Service).Ask(t.Context(), person(i), password, own(i), own(next))
				if err != nil || answer.Status != http.StatusOK {
					t.Errorf("%s: %d %s, %v", person(i), answer.Status, answer.Body, err)
					continue
				}
				want := client.Access{Type: "repository", Name: team(i), Actions: []string{"pull", "push"}}
				if a := answer.Claims.Access; len(a) != 1 || a[0].Name != want.Name || !slices.Equal(a[0].Actions, want.Actions) || answer.Claims.Subject != person(i) {
					t.Errorf("%s got %+v as %s, want %+v alone", person(i), a, answer.Claims.Subject, want)
				}
			}
		})
	}
	wg.Wait()
}

// team is the repository of the group that one person alone is in, and own the scope of it.
func team(i int) string { return fmt.Sprintf("teams/of-%s/x", person(i)) }

func own(i int) string { return "repository:" + team(i) + ":pull,push" }

// withTeams puts each of the first people into a group alone.
func withTeams(t *testing.T, d *slapd.Server, people int) {
	t.Helper()
	for i := range people {
		d.AddGroup(t, slapd.Names, "of-"+person(i), d.PersonDN(person(i)))
	}
}

// TestLDAP38_39_ParallelLogins: of 64 parallel logins nobody gets another one's groups; no connection that a user bound
// on is ever searched, and no connection is opened in steady state.
func TestLDAP38_39_ParallelLogins(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{Users: parallel})
	withTeams(t, d, parallel)
	u, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	way := tap.Start(t, u.Host, d.TLS(t))
	g := start(t, d, uncached, servers(way.URL), func(s gate.Settings) {
		s.Directory()["tls"] = gate.Settings{"ca_file": way.CAFile}
		s.Directory()["bind_connections"] = gate.Settings{"min": 16, "max": 16}
	})
	logInAll(t, g, d.Password, parallel, 3)
	opened := way.Connections()
	logInAll(t, g, d.Password, parallel, 10)
	if n := way.Connections() - opened; n != 0 {
		t.Errorf("%d connections opened in steady state, want none", n)
	}
	const most = 16 + 2
	if opened > most+2 { // and what looks whether the servers answer
		t.Errorf("%d connections for %d parallel logins, want at most %d", opened, parallel, most)
	}
	users, searched := map[int]bool{}, map[int]bool{}
	for _, r := range way.Requests() {
		switch {
		case r.Operation == tap.Search, r.Operation == tap.Bind && r.Name == d.BindDN:
			searched[r.Connection] = true
		case r.Operation == tap.Bind:
			users[r.Connection] = true
		}
	}
	if len(users) == 0 || len(searched) == 0 {
		t.Fatalf("%d connections with users, %d with searches", len(users), len(searched))
	}
	for c := range users {
		if searched[c] {
			t.Errorf("connection %d carried users' binds and searches", c)
		}
	}
}

// TestLDAP50_RestartStorm: 500 people log in while every connection is dead. No more connections are opened than the
// pools hold, and everybody is served.
func TestLDAP50_RestartStorm(t *testing.T) {
	t.Parallel()
	const people, most = 500, 16
	d := slapd.Start(t, slapd.Options{Users: people})
	g := start(t, d, func(s gate.Settings) {
		s.Directory()["bind_connections"] = gate.Settings{"min": most, "max": most}
		s["limits"] = gate.Settings{"concurrency": people, "queue": people}
	})
	for i := range 32 {
		g.MustGrant(t, person(i), d.Password)
	}
	d.Kill(t)
	d.Restart(t)
	mark := d.Mark(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	began := time.Now()
	for i := range people {
		wg.Go(func() {
			answer, err := g.Asker(gate.Service).Ask(t.Context(), person(i), d.Password)
			mu.Lock()
			defer mu.Unlock()
			if count[answer.Status]++; err != nil || answer.Took > worst+slack {
				t.Errorf("%s: %d after %v, %v", person(i), answer.Status, answer.Took, err)
			}
		})
	}
	wg.Wait()
	seen := d.Since(t, mark)
	t.Logf("%v after %v, %+v", count, time.Since(began).Round(time.Millisecond), seen)
	if count[http.StatusOK] < people/2 || count[http.StatusOK]+count[http.StatusServiceUnavailable] != people {
		t.Errorf("answers = %v, want tokens for most of %d, and 503 for who waited too long on a slow machine", count, people)
	}
	// The pools, those that look for a server and read its own entry, and a few that replace others.
	if limit := most + 2 + 6; seen.Connections > limit {
		t.Errorf("%d connections opened, want at most %d", seen.Connections, limit)
	}
	for i := range people {
		g.MustGrant(t, person(i), d.Password)
	}
	if strings.Contains(g.Process.Err.String(), "DATA RACE") {
		t.Error("a data race in the gate")
	}
}
