package ldap_test

import (
	"errors"
	"strings"
	"sync"
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

// TestLDAP35_ServiceAccountIsNeverLocked: however long the password is wrong, and however many servers and global catalogs
// there are, no half hour has so many service binds that a domain locks the account after five.
func TestLDAP35_ServiceAccountIsNeverLocked(t *testing.T) {
	t.Parallel()
	for name, split := range map[string]int{"one server": 1, "two servers": 2, "five servers": 5, "servers and catalogs": -2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var binds []time.Time
				servers := make([]*fakeServer, max(split, -2*split))
				for i := range servers {
					servers[i] = newFakeServer()
					servers[i].on(func(r request) *answer {
						if r.op == opBind && r.dn == serviceDN {
							mu.Lock()
							defer mu.Unlock()
							binds = append(binds, time.Now())
						}
						return nil
					})
				}
				b, stop := running(t, options(func(o *ldap.Options) {
					o.BindPassword = func() (identity.Secret, error) { return identity.NewSecret("wrong"), nil }
					if split < 0 {
						o.Servers, o.Users.Catalog = o.Servers[:-split], o.Servers[-split:]
					}
				}, servers...))
				defer stop()
				for range 3 * 60 * 6 {
					if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
						t.Fatalf("Find: %v, want ErrUnavailable", err)
					}
					time.Sleep(10 * time.Second)
				}
				const most, window = 4, 30 * time.Minute
				for i := range binds {
					if i >= most && binds[i].Sub(binds[i-most]) < window {
						t.Fatalf("%d service binds within %v: %v", most+1, binds[i].Sub(binds[i-most]), binds[i-most:i+1])
					}
				}
				if len(binds) < most {
					t.Errorf("%d service binds in 3 hours, want some more", len(binds))
				}
			})
		})
	}
}

// TestLDAP35_CheckTellsTwoServers: a look at all servers at once does not tell a wrong password to all of them; each is
// said to refuse it. The right one is told to all.
func TestLDAP35_CheckTellsTwoServers(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]int{"wrong": 2, "service": 8} {
		t.Run(password, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				servers := make([]*fakeServer, 8)
				for i := range servers {
					servers[i] = newFakeServer()
					servers[i].on(func(r request) *answer {
						if r.op == opBind {
							time.Sleep(50 * time.Millisecond)
						}
						return nil
					})
				}
				b := backend(t, options(func(o *ldap.Options) {
					o.BindPassword = func() (identity.Secret, error) { return identity.NewSecret(password), nil }
				}, servers...))
				for _, s := range b.Probe(t.Context()) {
					if right := password == "service"; right != (s.Err == nil) || !right && !strings.Contains(s.Err.Error(), "bind.dn") {
						t.Errorf("Probe of %s: %v", s.Server, s.Err)
					}
				}
				total := 0
				for _, s := range servers {
					total += s.count(opBind, serviceDN)
				}
				if total != want {
					t.Errorf("%d service binds, want %d", total, want)
				}
			})
		})
	}
}
