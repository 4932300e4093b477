package integration_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

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
	const scope = "repository:payments/api:pull,push"

	t.Run("a cold one without nested groups is at most 5", func(t *testing.T) {
		mark := d.Mark(t)
		mustGrant(t, g, "posix1", d.Password, scope)
		o := d.Since(t, mark)
		if all := o.Binds + o.ServiceBinds + o.Searches; all > 5 || o.Binds != 1 {
			t.Errorf("operations = %+v, want 1 bind and at most 5 in all", o)
		}
	})
	t.Run("a cold one is one more for each level of nested groups", func(t *testing.T) {
		mark := d.Mark(t)
		mustGrant(t, g, "nora", d.Password, scope) // nest-4 is in nest-3, nest-2, nest-1
		o := d.Since(t, mark)
		const levels = 3
		if all := o.Binds + o.ServiceBinds + o.Searches; all > 5+levels || o.Binds != 1 {
			t.Errorf("operations = %+v, want 1 bind and at most %d in all", o, 5+levels)
		}
	})
	t.Run("a warm one is exactly one bind", func(t *testing.T) {
		mustGrant(t, g, "alice", d.Password, scope)
		mark := d.Mark(t)
		const tokens = 25
		for range tokens {
			mustGrant(t, g, "alice", d.Password, scope)
		}
		want := slapd.Operations{Binds: tokens}
		if got := d.Since(t, mark); got != want {
			t.Errorf("%d tokens = %+v, want %+v", tokens, got, want)
		}
	})
	t.Run("a wrong password is one bind, and none the second time", func(t *testing.T) {
		mark := d.Mark(t)
		for i, want := range []int{1, 1, 1} {
			answer, err := g.Asker(serviceV3).Ask(t.Context(), "alice", "a wrong one", scope)
			if err != nil || answer.Status != http.StatusUnauthorized {
				t.Fatalf("wrong password = %d, %v, want 401", answer.Status, err)
			}
			if o := d.Since(t, mark); o.Binds != want || o.Searches+o.Connections != 0 {
				t.Errorf("after %d tries: operations = %+v, want %d bind and nothing else", i+1, o, want)
			}
		}
		mustGrant(t, g, "alice", d.Password, scope) // the right one is not in the way
	})
	t.Run("many at once open no connection once they are warm", func(t *testing.T) {
		many := func() {
			var clients sync.WaitGroup
			for i := range 16 {
				clients.Go(func() {
					user := []string{"alice", "nora", "carol", "dana"}[i%4]
					if a, err := g.Asker(serviceV3).Ask(t.Context(), user, d.Password, scope); err != nil || a.Status != http.StatusOK {
						t.Errorf("token of %s = %d, %v", user, a.Status, err)
					}
				})
			}
			clients.Wait()
		}
		many()
		many()
		mark := d.Mark(t)
		many()
		if o := d.Since(t, mark); o.Searches+o.ServiceBinds != 0 || o.Connections > 16 {
			t.Errorf("operations = %+v, want binds only", o)
		}
	})
}
