package ldap_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP47_ReturnToTheFirst: a server that recovers is in use again within a minute, and not before it answers.
func TestLDAP47_ReturnToTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preferred, other := newFakeServer(), newFakeServer()
		b, stop := running(t, options(nil, preferred, other))
		defer stop()
		synctest.Wait()
		for name, away := range map[string]func(bool){
			"refusing": func(yes bool) {
				if yes {
					preferred.leave(errRefused)
				} else {
					preferred.leave(nil)
				}
			},
			"silent": func(yes bool) {
				if yes {
					preferred.on(silent)
				} else {
					preferred.on(nil)
				}
			},
		} {
			away(true)
			for range 10 {
				if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
					t.Errorf("%s: login: %v", name, err)
				}
				time.Sleep(20 * time.Second)
			}
			if got := first(b); !strings.Contains(got, "ldap2") {
				t.Errorf("%s: %s is asked first, want the second", name, got)
			}
			away(false)
			time.Sleep(time.Minute)
			preferred.forget()
			if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
				t.Errorf("%s: login: %v", name, err)
			}
			if preferred.count(opBind, "uid=alice") != 1 || !strings.Contains(first(b), "ldap1") {
				t.Errorf("%s: a minute after its recovery the first server is not in use: %+v", name, b.Servers())
			}
		}
	})
}

// TestNoReturnToAServerThatRefuses: a first server that refuses the service account is not returned to, and not asked
// again and again.
func TestNoReturnToAServerThatRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preferred, other := newFakeServer(), newFakeServer()
		preferred.on(func(r request) *answer {
			if r.op == opBind && r.dn == serviceDN {
				return &answer{result: true, code: 49}
			}
			return nil
		})
		b, stop := running(t, options(nil, preferred, other))
		defer stop()
		for range 60 {
			if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
				t.Fatalf("login: %v", err)
			}
			time.Sleep(5 * time.Second)
		}
		if got := first(b); !strings.Contains(got, "ldap2") {
			t.Errorf("%s is asked first, want the second", got)
		}
		if n := preferred.count(opBind, serviceDN); n > 2 {
			t.Errorf("%d service binds in 5 minutes at a server that refuses them, want at most 2", n)
		}
	})
}

// TestLDAP47_AskedWhileAway: a server that was away for long is back in service a moment after somebody asks, where
// there is no other.
func TestLDAP47_AskedWhileAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		b, stop := running(t, options(nil, s))
		defer stop()
		synctest.Wait()
		s.on(silent)
		for range 3 {
			_, _ = b.Find(t.Context(), "alice", 0)
		}
		time.Sleep(10 * time.Minute)
		dials := s.opened()
		for range 100 {
			if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("Find while it is away: %v, want ErrUnavailable", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := s.opened() - dials; n == 0 || n > 8 {
			t.Errorf("%d probes while 100 ask for 10 s, want some, and not one for each", n)
		}
		s.on(nil)
		time.Sleep(4 * time.Second) // of the probe that hangs
		_, _ = b.Find(t.Context(), "alice", 0)
		time.Sleep(500 * time.Millisecond)
		if _, err := b.Find(t.Context(), "alice", 0); err != nil {
			t.Errorf("Find a moment after its recovery: %v", err)
		}
	})
}

// TestLDAP35_ManyServers: a wrong password of the service account is told to two servers and no more, however many
// there are, as they count failures together.
func TestLDAP35_ManyServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var servers []*fakeServer
		for range 8 {
			servers = append(servers, newFakeServer())
		}
		b, stop := running(t, options(func(o *ldap.Options) {
			o.BindPassword = func() (identity.Secret, error) { return identity.NewSecret("wrong"), nil }
		}, servers...))
		defer stop()
		for range 240 {
			if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
				t.Fatalf("Find: %v, want ErrUnavailable", err)
			}
			time.Sleep(time.Second)
		}
		total := 0
		for _, s := range servers {
			total += s.count(opBind, serviceDN)
		}
		if total == 0 || total > 2 {
			t.Errorf("%d service binds in 4 minutes, want 1 or 2", total)
		}
	})
}
