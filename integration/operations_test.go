package integration_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// settle waits until the gate has opened the connections that it keeps and the directory is quiet.
func settle(t *testing.T, d *slapd.Server, g *gate.Gate) {
	t.Helper()
	mustGrant(t, g, "u00050", d.Password)
	const still, patience = 300 * time.Millisecond, 10 * time.Second
	seen, since := d.Mark(t), time.Now()
	loopback.Eventually(t, patience, func() error {
		if now := d.Mark(t); now != seen {
			seen, since = now, time.Now()
		}
		if time.Since(since) < still {
			return errors.New("the directory is still busy")
		}
		return nil
	})
}

func TestOperationsAToken(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	settle(t, d, g)
	coldTokens(t, d, g)
	warmTokens(t, d, g)
	wrongPasswords(t, d, g)
	manyClients(t, d, g)
}

// aScope is what these tests ask for.
const aScope = "repository:payments/api:pull,push"

// coldTokens: at most five operations, and one more for each level of nested groups. Among them is a second look at the
// account's entry after the bind, at the same server, as its DN may be another's by then.
func coldTokens(t *testing.T, d *slapd.Server, g *gate.Gate) {
	t.Helper()
	const most, levels = 5, 3
	for user, nested := range map[string]int{"posix1": 0, "nora": levels} { // nest-4 is in nest-3, nest-2, nest-1
		mark, began := d.Mark(t), time.Now()
		mustGrant(t, g, user, d.Password, aScope)
		o, limit := d.Since(t, mark), most+nested
		if time.Since(began) > time.Second {
			limit++ // an entry that is a second old is read again before a password is sent that is new for it
		}
		if all := o.Binds + o.ServiceBinds + o.Searches; all > limit || o.Binds != 1 {
			t.Errorf("cold token of %s: operations = %+v, want 1 bind and at most %d in all", user, o, limit)
		}
	}
}

// warmTokens: exactly one bind each, no search, no new connection.
func warmTokens(t *testing.T, d *slapd.Server, g *gate.Gate) {
	t.Helper()
	mustGrant(t, g, "alice", d.Password, aScope)
	mark := d.Mark(t)
	const tokens = 25
	for range tokens {
		mustGrant(t, g, "alice", d.Password, aScope)
	}
	want := slapd.Operations{Binds: tokens}
	if got := d.Since(t, mark); got != want {
		t.Errorf("%d warm tokens: operations = %+v, want %+v", tokens, got, want)
	}
}

// wrongPasswords: one bind, and none the second time, by whatever method.
func wrongPasswords(t *testing.T, d *slapd.Server, g *gate.Gate) {
	t.Helper()
	mark := d.Mark(t)
	a := g.Asker(serviceV3)
	for i, ask := range []func(context.Context, string, string, ...string) (client.Answer, error){a.Ask, a.Ask, a.Post} {
		answer, err := ask(t.Context(), "alice", "a wrong one", aScope)
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Fatalf("wrong password = %d, %v, want 401", answer.Status, err)
		}
		want := slapd.Operations{Binds: 1}
		if o := d.Since(t, mark); o != want {
			t.Errorf("after wrong password %d: operations = %+v, want %+v", i+1, o, want)
		}
	}
	mustGrant(t, g, "alice", d.Password, aScope) // the right one is not in the way
}

// manyClients: no connection is opened once the pool has grown to the load.
func manyClients(t *testing.T, d *slapd.Server, g *gate.Gate) {
	t.Helper()
	users := []string{"alice", "nora", "carol", "dana"}
	together := func() {
		var clients sync.WaitGroup
		for i := range 4 * len(users) {
			clients.Go(func() {
				a, err := g.Asker(serviceV3).Ask(t.Context(), users[i%len(users)], d.Password, aScope)
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("token of %s = %d, %v", users[i%len(users)], a.Status, err)
				}
			})
		}
		clients.Wait()
	}
	together()
	mark := d.Mark(t)
	together()
	together()
	// Identical logins in flight share a bind, so no more than one connection for each account is in use.
	if o := d.Since(t, mark); o.Searches+o.ServiceBinds+o.Connections != 0 || o.Binds == 0 {
		t.Errorf("logins at once: operations = %+v, want binds alone", o)
	}
}
