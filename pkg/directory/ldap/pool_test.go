package ldap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// slow makes user binds take a while.
func slow(d time.Duration) func(request) *answer {
	return onUserBind(func(request) *answer {
		time.Sleep(d)
		return nil
	})
}

// TestLDAP38_PoolsApart: a connection that was searched never carries a user's bind, and the other way round.
func TestLDAP38_PoolsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		s.on(slow(time.Millisecond))
		b, stop := running(t, options(nil, s))
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for _, user := range []string{"alice", "bob", "carol"} {
					if _, err := login(t.Context(), b, user, user+"-password"); err != nil {
						t.Errorf("login of %s: %v", user, err)
					}
				}
			})
		}
		wg.Wait()
		stop()
		for _, c := range s.sessions {
			service := slices.Contains(c.binds, serviceDN)
			user := slices.ContainsFunc(c.binds, func(dn string) bool { return dn != serviceDN })
			if user && (service || c.searches > 0) {
				t.Errorf("a connection carried user binds and %d searches (service bind %t)", c.searches, service)
			}
		}
		if n := len(s.sessions); n > 34 {
			t.Errorf("%d connections, want at most 32 for binds and 2 for searches", n)
		}
	})
}

// TestLDAP39_OwnGroups: under 64 parallel logins nobody gets another one's groups.
func TestLDAP39_OwnGroups(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	b := backend(t, options(nil, s))
	want := map[string]string{"alice": "devs mailers primary staff", "bob": "staff", "carol": "ring1 ring2", "émile": ""}
	var wg sync.WaitGroup
	for range 16 {
		for user, groups := range want {
			wg.Go(func() {
				for range 5 {
					a, err := login(t.Context(), b, user, user+"-password")
					if err != nil || names(a.Groups) != groups {
						t.Errorf("groups of %s = %q, %v, want %q", user, names(a.Groups), err, groups)
					}
				}
			})
		}
	}
	wg.Wait()
}

// TestBindQueue: who waits is served in the order of arrival; a full queue and a wait that is too long are
// "busy" and take no slot.
func TestBindQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const waiting = 4
		s := newFakeServer()
		s.on(slow(time.Second))
		b, stop := running(t, options(func(o *ldap.Options) {
			o.BindConnections = ldap.BindConnections{Min: -1, Max: 1}
			o.Queue = waiting
		}, s))
		defer stop()
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 1 + waiting {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if i == waiting { // the last one does not wait long enough
					ctx, cancel = context.WithTimeout(t.Context(), 2500*time.Millisecond)
					defer cancel()
				}
				_, a, err := prove(ctx, b)
				if i == waiting {
					busy(t, "a wait that is too long", a, err)
					return
				}
				if err != nil {
					t.Errorf("bind %d: %v", i, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		_, a, err := prove(t.Context(), b)
		busy(t, "a full queue", a, err)
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != waiting {
			t.Errorf("served in the order %v, want the order of arrival", order)
		}
		if n := s.count(opBind, "uid="); n != waiting {
			t.Errorf("%d binds, want %d", n, waiting)
		}
	})
}

// busy checks for a fault that says busy and for no slot taken.
func busy(t *testing.T, what string, a *slots, err error) {
	t.Helper()
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, identity.ErrUnavailable) || retry.Reason != identity.ReasonBusy || retry.After <= 0 {
		t.Errorf("%s: %v, want ErrUnavailable, busy, with a time", what, err)
	}
	if a.reserved != 0 {
		t.Errorf("%s: %d slots reserved, want none", what, a.reserved)
	}
}

// TestLDAP44_IdleDisconnect: connections that the server closed while idle cost nobody an error.
func TestLDAP44_IdleDisconnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		b, stop := running(t, options(nil, s))
		defer stop()
		for range 5 {
			if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
				t.Errorf("login: %v", err)
			}
			s.leave(errRefused)
			s.leave(nil)
			synctest.Wait()
		}
	})
}

// TestLDAP50_Storm: when all connections are dead, no more are dialed at a time than the pool may hold.
func TestLDAP50_Storm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, logins = 8, 500
		s := newFakeServer()
		var mu sync.Mutex
		var open, peak int
		o := options(func(o *ldap.Options) {
			o.BindConnections = ldap.BindConnections{Max: most}
			o.Observer.Connections = func(_, pool string, n int) {
				mu.Lock()
				defer mu.Unlock()
				if pool == "bind" {
					open, peak = n, max(peak, n)
				}
			}
		}, s)
		b, stop := running(t, o)
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Fatal(err)
		}
		s.leave(errRefused)
		s.leave(nil)
		before := s.opened()
		var wg sync.WaitGroup
		for range logins {
			wg.Go(func() {
				if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
					t.Errorf("login: %v", err)
				}
			})
		}
		wg.Wait()
		if n := s.opened() - before; n > most+4 {
			t.Errorf("%d connections opened for %d logins, want about %d", n, logins, most)
		}
		stop()
		if open != 0 || peak > most {
			t.Errorf("%d connections open at the end and %d at most, want none and at most %d", open, peak, most)
		}
	})
}

// TestConnectionsAge: a connection is not used beyond its age, nor kept beyond its idle time.
func TestConnectionsAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		b, stop := running(t, options(func(o *ldap.Options) { o.BindConnections.Min = -1 }, s))
		defer stop()
		if _, _, err := prove(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for _, wait := range []time.Duration{3 * time.Minute, 12 * time.Minute} {
			before := s.opened()
			time.Sleep(wait)
			synctest.Wait()
			if _, _, err := prove(t.Context(), b); err != nil {
				t.Errorf("after %v: %v", wait, err)
			}
			if s.opened() == before {
				t.Errorf("after %v: the old connection was used", wait)
			}
		}
	})
}

// TestRunEnds: Run closes everything, what is in use included, and nobody can ask afterwards.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		s.on(onUserBind(func(request) *answer { return &answer{} }))
		b, stop := running(t, options(nil, s))
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, a, err := prove(t.Context(), b)
			a.settled(t, guard.Unknown)
			if !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("bind in flight at the end: %v, want ErrUnavailable", err)
			}
		}()
		synctest.Wait()
		start := time.Now()
		stop()
		<-done
		if took := time.Since(start); took > time.Second {
			t.Errorf("Run took %v to end", took)
		}
		if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("Find after the end: %v, want ErrUnavailable", err)
		}
		if _, _, err := prove(t.Context(), b); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("Prove after the end: %v, want ErrUnavailable", err)
		}
	})
}

// TestLDAP41_ServerDies: a server that dies in the middle, a thousand times, leaves nothing behind.
func TestLDAP41_ServerDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newFakeServer(), newFakeServer()
		b, stop := running(t, options(nil, first, second))
		for i := range 1000 {
			dying := first
			if i%2 == 1 {
				dying = second
			}
			op := []any{opBind, opSearch}[i/2%2]
			dying.on(func(r request) *answer {
				if fmt.Sprint(r.op) == fmt.Sprint(op) && r.dn != serviceDN && r.dn != "" {
					return &answer{hangUp: true}
				}
				return nil
			})
			first.forget()
			second.forget()
			_, err := login(t.Context(), b, "alice", "alice-password")
			if n := first.count(opBind, "uid=") + second.count(opBind, "uid="); n > 1 {
				t.Errorf("round %d: %d binds sent, want at most one", i, n)
			}
			if err != nil && !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("round %d: %v, want ErrUnavailable or none", i, err)
			}
			dying.on(nil)
		}
		time.Sleep(30 * time.Second)
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Errorf("login at the end: %v", err)
		}
		stop() // the bubble ends only when every goroutine has
	})
}
