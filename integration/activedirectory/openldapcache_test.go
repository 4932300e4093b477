package activedirectory_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// TestLDAP55_OnePullOnOpenLDAP: many token requests of one pull are one bind and one reading of groups. The directory
// waits until all of them are there.
func TestLDAP55_OnePullOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := start(t, d)
	g.MustGrant(t, "nora", d.Password)
	alone := d.Mark(t)
	g.MustGrant(t, "carol", d.Password)
	one := d.Since(t, alone)
	mark := d.Mark(t)
	d.Pause(t)
	const requests = 30
	var clients sync.WaitGroup
	for i := range requests {
		clients.Go(func() {
			answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password, fmt.Sprintf("repository:teams/nest-1/x%d:pull", i))
			if err != nil || answer.Status != http.StatusOK {
				t.Errorf("token = %d, %v", answer.Status, err)
			}
		})
	}
	awaitInFlight(t, g, requests)
	d.Resume(t)
	clients.Wait()
	if o := d.Since(t, mark); o.Binds != 1 || o.Searches > one.Searches+3 { // alice is in groups five levels deep, carol in a ring of three
		t.Errorf("operations = %+v, want one bind and the searches of one login, as %+v", o, one)
	}
}

// TestLDAP56_OneCallerLeavesOnOpenLDAP: who hangs up does not take the answer from those who asked the same.
func TestLDAP56_OneCallerLeavesOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := start(t, d)
	g.MustGrant(t, "nora", d.Password)
	d.Pause(t) // so that all of them are waiting when the first one leaves
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := g.Asker(gate.Service).Ask(ctx, "alice", d.Password)
		left <- err
	}()
	awaitInFlight(t, g, 1)
	var others sync.WaitGroup
	const more = 10
	for range more {
		others.Go(func() {
			if answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password); err != nil || answer.Status != http.StatusOK {
				t.Errorf("another caller = %d %s, %v, want 200", answer.Status, answer.Body, err)
			}
		})
	}
	awaitInFlight(t, g, 1+more)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left = %v", err)
	}
	d.Resume(t)
	others.Wait()
}

// awaitInFlight waits until the gate has that many requests that are not answered yet.
func awaitInFlight(t *testing.T, g *gate.Gate, n float64) {
	t.Helper()
	loopback.Eventually(t, soon, func() error {
		if in := g.Metric(t, "wharfgate_http_requests_in_flight"); in != n {
			return fmt.Errorf("%v requests are in flight, want %v", in, n)
		}
		return nil
	})
}

// TestLDAP60_FloodOfNamesOnOpenLDAP: names that nobody has do not push out those that are known.
func TestLDAP60_FloodOfNamesOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := start(t, d, func(s gate.Settings) { s.Directory()["cache"] = gate.Settings{"size": 20, "ttl": "10m"} })
	g.MustGrant(t, "alice", d.Password)
	var clients sync.WaitGroup
	for part := range 4 {
		clients.Go(func() {
			for i := range 100 {
				answer, err := g.Asker(gate.Service).Ask(t.Context(), fmt.Sprintf("random-%d-%d", part, i), "x")
				if err != nil || answer.Token != "" {
					t.Errorf("a random name = %d, %v", answer.Status, err)
				}
			}
		})
	}
	clients.Wait()
	mark := d.Mark(t)
	g.MustGrant(t, "alice", d.Password)
	if o := d.Since(t, mark); o.Binds != 1 || o.Searches != 0 {
		t.Errorf("operations after the flood = %+v, want one bind and no search", o)
	}
}

// TestLDAP61_LivesAreSpreadOnOpenLDAP: what was read together is not read again together.
func TestLDAP61_LivesAreSpreadOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	const people, ttl = 30, 4 * time.Second
	g := start(t, d, func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": ttl.String()}
		s.Directory()["proven_for"] = "60s" // so that nothing but the memory is asked
	})
	user := func(i int) string { return fmt.Sprintf("u%05d", i+1) }
	for i := range people {
		g.MustGrant(t, user(i), d.Password)
	}
	first := d.Since(t, 0).Searches
	mark, most, refreshed := d.Mark(t), 0, 0
	began := time.Now()
	loopback.Eventually(t, 3*ttl, func() error {
		for i := range people {
			g.MustGrant(t, user(i), d.Password)
		}
		n := d.Since(t, mark).Searches
		most, refreshed = max(most, n-refreshed), n
		if time.Since(began) < 3*ttl/2 {
			return errors.New("the lives are not over")
		}
		return nil
	})
	if refreshed == 0 || most > first*3/4 { // a busy machine looks seldom
		t.Errorf("%d searches in all, %d of them at once; the first logins took %d", refreshed, most, first)
	}
}

// TestLDAP29_FilteredOutOnOpenLDAP: who no longer matches the filter of accounts is out within the life of the memory.
func TestLDAP29_FilteredOutOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	const ttl = 2 * time.Second
	g := start(t, d, func(s gate.Settings) {
		s.Directory().Section("users")["filter"] = "(!(description=left))"
		s.Directory()["cache"] = gate.Settings{"ttl": ttl.String()}
	})
	g.MustGrant(t, "alice", d.Password)
	d.Set(t, d.PersonDN("alice"), "description", "left")
	changed := time.Now()
	loopback.Eventually(t, soon, func() error {
		if answer := g.Ask(t, "alice", d.Password); answer.Status != http.StatusUnauthorized {
			return errors.New("who left is let in: " + strconv.Itoa(answer.Status))
		}
		return nil
	})
	const slack = 2 * time.Second // of a machine with other work
	if took := time.Since(changed); took > ttl+slack {
		t.Errorf("who left was let in for %v, want %v at most", took, ttl)
	}
}
