package ldap_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// silent answers nothing at all, as a stopped process does.
func silent(request) *answer { return &answer{} }

// TestLDAP40_StoppedServer: a server that hangs costs a request at most 5 s, and the next one answers; once it
// is known to hang, requests are quick; when it is back, it is in service within 30 s.
func TestLDAP40_StoppedServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newFakeServer(), newFakeServer()
		b, stop := running(t, options(nil, first, second))
		defer stop()
		synctest.Wait()
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Fatal(err)
		}
		first.on(silent)
		start := time.Now()
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Errorf("login with the first server stopped: %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v, want at most 5s", took)
		}
		second.on(silent)
		for range 3 {
			start := time.Now()
			if _, err := login(t.Context(), b, "alice", "alice-password"); !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("login with both stopped: %v, want ErrUnavailable", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v, want at most 5s", took)
			}
		}
		start = time.Now()
		_, err := login(t.Context(), b, "alice", "alice-password")
		retry, ok := errors.AsType[*identity.RetryError](err)
		if took := time.Since(start); !ok || retry.After <= 0 || took >= time.Second {
			t.Errorf("login with both out of service: %v after %v, want ErrUnavailable with a time, at once", err, took)
		}
		time.Sleep(time.Minute)
		first.on(nil)
		time.Sleep(30 * time.Second)
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Errorf("login 30s after the recovery: %v", err)
		}
		if states := b.Servers(); !states[0].InService || states[1].InService {
			t.Errorf("states = %+v, want the first in service alone", states)
		}
	})
}

// TestThreeTimeouts: after three time-outs in a row at the only server, requests fail at once.
func TestThreeTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		var opened, closed sync.WaitGroup
		opened.Add(1)
		closed.Add(1)
		b, stop := running(t, options(func(o *ldap.Options) {
			o.Observer.Breaker = func(_ string, open bool) {
				if open {
					opened.Done()
				} else {
					closed.Done()
				}
			}
		}, s))
		defer stop()
		synctest.Wait()
		s.on(silent)
		for range 3 {
			_, a, err := prove(t.Context(), b)
			a.settled(t, guard.Unknown)
			if !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("Prove at a stopped server: %v, want ErrUnavailable", err)
			}
		}
		opened.Wait()
		start := time.Now()
		_, a, err := prove(t.Context(), b)
		if !errors.Is(err, identity.ErrUnavailable) || time.Since(start) > 0 || a.reserved != 0 {
			t.Errorf("the fourth: %v after %v with %d slots, want ErrUnavailable at once", err, time.Since(start), a.reserved)
		}
		s.on(nil)
		closed.Wait()
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("back in service after %v, want at most 30s", took)
		}
		if _, _, err := prove(t.Context(), b); err != nil {
			t.Errorf("after the recovery: %v", err)
		}
	})
}

// TestRefusedConnections: a server where nobody listens is skipped after three tries, and found again quickly.
func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		s.leave(syscall.ECONNREFUSED)
		b, stop := running(t, options(nil, s))
		defer stop()
		synctest.Wait()
		for range 3 {
			if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("Find: %v, want ErrUnavailable", err)
			}
		}
		if b.Servers()[0].InService {
			t.Error("the server is still asked")
		}
		time.Sleep(10 * time.Minute)
		s.leave(nil)
		time.Sleep(5 * time.Second)
		if _, err := b.Find(t.Context(), "alice", 0); err != nil {
			t.Errorf("Find 5s after the recovery: %v", err)
		}
	})
}

// TestLDAP46_DeadFirstServer: a first server that was never there is only slower the first time.
func TestLDAP46_DeadFirstServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newFakeServer(), newFakeServer()
		first.leave(errRefused)
		b, stop := running(t, options(nil, first, second))
		defer stop()
		for range 3 {
			if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
				t.Errorf("login: %v", err)
			}
		}
		for _, s := range b.Probe(t.Context()) {
			if dead := strings.Contains(s.Server, "ldap1"); dead != (s.Err != nil) {
				t.Errorf("Probe of %s: %v", s.Server, s.Err)
			}
		}
	})
}

// TestLDAP35_ServiceAccountRefused: a wrong service password goes out once a server and pause; a new one at once.
func TestLDAP35_ServiceAccountRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		password := "wrong"
		b, stop := running(t, options(func(o *ldap.Options) {
			o.BindPassword = func() (identity.Secret, error) { return identity.NewSecret(password), nil }
		}, s))
		defer stop()
		ask := func() error {
			_, err := b.Find(t.Context(), "alice", 0)
			return err
		}
		for range 600 {
			if err := ask(); !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), "bind.dn") {
				t.Fatalf("Find with a wrong service password: %v, want ErrUnavailable with the remedy", err)
			}
			time.Sleep(time.Second)
		}
		if n := s.count(opBind, serviceDN); n > 2 {
			t.Errorf("%d service binds in 10 minutes, want at most 2", n)
		}
		if statuses := b.Probe(t.Context()); statuses[0].Err == nil {
			t.Error("Probe finds nothing")
		}
		before := s.count(opBind, serviceDN)
		b.ResetServiceBind()
		_ = ask()
		if n := s.count(opBind, serviceDN) - before; n != 1 {
			t.Errorf("%d service binds after a reset, want 1", n)
		}
		password = "service"
		if err := ask(); err != nil {
			t.Errorf("Find with the right password: %v", err)
		}
	})
}

// TestServicePasswordUnreadable: a password that cannot be read is no bind.
func TestServicePasswordUnreadable(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	errGone := errors.New("gone")
	for _, read := range []func() (identity.Secret, error){
		func() (identity.Secret, error) { return identity.Secret{}, errGone },
		func() (identity.Secret, error) { return identity.Secret{}, nil },
	} {
		b := backend(t, options(func(o *ldap.Options) { o.BindPassword = read }, s))
		if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("Find: %v, want ErrUnavailable", err)
		}
	}
	if n := s.count(opBind, ""); n != 0 {
		t.Errorf("%d binds, want none", n)
	}
}

// deaf opens connections whose peer does not read.
func deaf(context.Context, string, string) (net.Conn, error) {
	client, peer := net.Pipe()
	return deafConn{Conn: client, peer: peer}, nil
}

// deafConn closes its peer with itself.
type deafConn struct {
	net.Conn
	peer net.Conn
}

func (c deafConn) Close() error { return errors.Join(c.Conn.Close(), c.peer.Close()) }

// TestLDAP43_PeerStopsReading: a write that nobody reads is bounded, and nothing of the bind is repeated.
func TestLDAP43_PeerStopsReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, stop := running(t, options(func(o *ldap.Options) { o.Dialer = deaf }, newFakeServer()))
		defer stop()
		start := time.Now()
		_, a, err := prove(t.Context(), b)
		if a.settled(t, guard.NotSent); !errors.Is(err, identity.ErrUnavailable) || time.Since(start) > 4*time.Second {
			t.Errorf("Prove: %v after %v, want ErrUnavailable within 4s", err, time.Since(start))
		}
		start = time.Now()
		if _, err := b.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) || time.Since(start) > 5*time.Second {
			t.Errorf("Find: %v after %v, want ErrUnavailable within 5s", err, time.Since(start))
		}
	})
}

// TestCallerLeaves: a caller that goes away does not wait, and does not take the others' connection along.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		const slow = time.Second
		b, stop := running(t, options(func(o *ldap.Options) { o.SearchConnections = 1 }, s))
		defer time.Sleep(slow) // until the server has said what nobody waits for
		defer stop()
		synctest.Wait()
		s.on(func(r request) *answer {
			if r.op == opSearch {
				time.Sleep(slow)
			}
			return nil
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Find(t.Context(), "bob", 0); err != nil {
				t.Errorf("the one who stays: %v", err)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			start := time.Now()
			_, err := b.Find(ctx, "alice", 0)
			if !errors.Is(err, identity.ErrUnavailable) || !errors.Is(err, context.Canceled) || time.Since(start) > 200*time.Millisecond {
				t.Errorf("the one who leaves: %v after %v", err, time.Since(start))
			}
		})
		time.Sleep(100 * time.Millisecond)
		cancel()
		wg.Wait()
		if !b.Servers()[0].InService {
			t.Error("the server was taken out of service")
		}
	})
}
