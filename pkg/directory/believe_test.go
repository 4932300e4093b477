package directory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// bob is another account.
func bob() directorytest.User { return directorytest.User{Name: "bob", Password: right} }

// trusting lets proven passwords stand for five minutes of an outage, and what is read for a quarter of an hour.
func trusting(s *setup) {
	s.users = append(s.users, bob())
	s.auth.ProvenIfDown, s.cached.StaleIfDown = 5*time.Minute, 15*time.Minute
}

// TestLDAP58_ProvenIfDown: in an outage the password that a bind proved minutes ago stands for a bind, and the
// principal is stale; nobody else's does, nor another one, nor after its time.
func TestLDAP58_ProvenIfDown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before func(*testing.T, *room) // while the directory answers
		wait   time.Duration
		login  string
		typed  string
		want   identity.Reason // empty: logged in
	}{
		{name: "proven a moment ago", login: "alice", typed: right},
		{name: "by another name", login: "ALICE", typed: right},
		{name: "just in time", wait: 5*time.Minute - time.Second, login: "alice", typed: right},
		{name: "too late", wait: 5 * time.Minute, login: "alice", typed: right, want: identity.ReasonUnavailable},
		{name: "another password", login: "alice", typed: "wrong", want: identity.ReasonUnavailable},
		{name: "never proven", login: "bob", typed: right, want: identity.ReasonUnavailable},
		{name: "unknown name", login: "nobody", typed: right, want: identity.ReasonUnavailable},
		{name: "a wrong attempt since", login: "alice", typed: right, want: identity.ReasonUnavailable, before: func(t *testing.T, r *room) {
			t.Helper()
			_, err := r.login(t.Context(), "alice", "junk")
			wantReason(t, err, identity.ReasonWrongPassword)
		}},
		{name: "a wrong attempt, and proven again", login: "alice", typed: right, before: func(t *testing.T, r *room) {
			t.Helper()
			_, err := r.login(t.Context(), "alice", "junk")
			wantReason(t, err, identity.ReasonWrongPassword)
			if _, err := r.login(t.Context(), "alice", right); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "disabled since", login: "alice", typed: right, want: identity.ReasonUnavailable, before: func(t *testing.T, r *room) {
			t.Helper()
			u := alice()
			u.Refused = identity.ReasonDisabled
			r.fake.Put(u)
			_, err := r.login(t.Context(), "alice", right)
			wantReason(t, err, identity.ReasonDisabled)
		}},
		{name: "password changed since", login: "alice", typed: right, want: identity.ReasonUnavailable, before: func(t *testing.T, r *room) {
			t.Helper()
			u := alice()
			u.PasswordChanged = time.Now()
			r.fake.Put(u)
			if _, err := r.cached.Find(t.Context(), "alice", 0); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, guarded(t), trusting)
				if _, err := r.login(t.Context(), "alice", right); err != nil {
					t.Fatal(err)
				}
				if _, err := r.cached.Find(t.Context(), "bob", 0); err != nil {
					t.Fatal(err)
				}
				if tt.before != nil {
					tt.before(t, r)
				}
				r.fake.Down()
				time.Sleep(tt.wait)
				p, err := r.login(t.Context(), tt.login, tt.typed)
				if tt.want != "" {
					wantReason(t, err, tt.want)
					if n := r.heard("believed corp outage"); n != 0 {
						t.Errorf("told %d times that a password was believed", n)
					}
					return
				}
				if err != nil || p.Name != "alice" || !p.Stale || len(p.Groups) != 1 {
					t.Errorf("login = %+v, %v, want alice, stale, with her group", p, err)
				}
				if n := r.heard("believed corp outage"); n != 1 {
					t.Errorf("told %d times that a password was believed, want once", n)
				}
			})
		})
	}
}

// TestOneGuessInAnOutage: whoever types another password while the directory is away ends what stands for a bind.
func TestOneGuessInAnOutage(t *testing.T) {
	t.Parallel()
	r := newRoom(t, guarded(t), trusting)
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Fatal(err)
	}
	r.fake.Down()
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Errorf("before the guess: %v", err)
	}
	for _, password := range []string{"guess", right} {
		_, err := r.login(t.Context(), "alice", password)
		wantReason(t, err, identity.ReasonUnavailable)
	}
	r.fake.Up()
	if p, err := r.login(t.Context(), "alice", right); err != nil || p.Stale {
		t.Errorf("after the outage: %+v, %v, want alice, not stale", p, err)
	}
}

// TestLDAP59_ANoStandsInAnOutage: with one server that answers no and nothing else, nobody is believed.
func TestLDAP59_ANoStandsInAnOutage(t *testing.T) {
	t.Parallel()
	r := newRoom(t, guarded(t), trusting)
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Fatal(err)
	}
	u := alice()
	u.Password = "next"
	r.fake.Put(u)
	_, err := r.login(t.Context(), "alice", right)
	wantReason(t, err, identity.ReasonWrongPassword)
	r.fake.Down()
	_, err = r.login(t.Context(), "alice", right)
	if err == nil {
		t.Error("a password that the directory refused logged in during an outage")
	}
}

// TestOffByDefault: without the switches every login is a bind.
func TestOffByDefault(t *testing.T) {
	t.Parallel()
	r := newRoom(t, guarded(t), func(s *setup) { s.cached.StaleIfDown = time.Hour })
	for range 2 {
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.fake.Calls().Bind; n != 2 {
		t.Errorf("%d binds of two logins, want 2", n)
	}
	r.fake.Down()
	_, err := r.login(t.Context(), "alice", right)
	wantReason(t, err, identity.ReasonUnavailable)
}

// TestBusyIsNoOutage: a full queue does not make passwords stand for binds.
func TestBusyIsNoOutage(t *testing.T) {
	t.Parallel()
	r := newRoom(t, guarded(t), trusting)
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Fatal(err)
	}
	r.fake.OnProve = func(context.Context, directory.Entry) error {
		return &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonBusy}
	}
	_, err := r.login(t.Context(), "alice", right)
	wantReason(t, err, identity.ReasonBusy)
}

// TestLDAP30_ChangedPasswordEndsPositiveMemory: while it is on, a login a moment after a proof needs no bind; a change
// of the password is seen within seconds, and the next login binds.
func TestLDAP30_ChangedPasswordEndsPositiveMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := alice()
		u.PasswordChanged = time.Now().Add(-time.Hour)
		r := newRoom(t, guarded(t), func(s *setup) { s.users, s.auth.ProvenFor = []directorytest.User{u}, time.Minute })
		binds := func(want int) {
			t.Helper()
			if _, err := r.login(t.Context(), "alice", right); err != nil {
				t.Fatal(err)
			}
			if n := r.fake.Calls().Bind; n != want {
				t.Errorf("%d binds, want %d", n, want)
			}
		}
		binds(1)
		time.Sleep(30 * time.Second)
		binds(1)
		u.PasswordChanged = time.Now() // and the old one still works, as it does on Active Directory for an hour
		r.fake.Put(u)
		time.Sleep(6 * time.Second)
		binds(2)
		time.Sleep(time.Minute)
		binds(3)
		if _, err := r.login(t.Context(), "alice", "junk"); err == nil {
			t.Fatal("junk logged in")
		}
		binds(5) // junk, and one more as there was a wrong attempt
		binds(5)
		if n := r.heard("believed corp recent"); n != 2 {
			t.Errorf("told %d times that a password was believed, want 2", n)
		}
	})
}

// TestP36_RulesThatChangeEndPositiveMemory: each password is bound once more, and then believed again.
func TestP36_RulesThatChangeEndPositiveMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, func(s *setup) { s.auth.ProvenFor = time.Minute })
		for i, want := range []int{1, 1, 2, 2} {
			if i == 2 {
				r.auth.BindAgain()
			}
			time.Sleep(time.Second)
			if _, err := r.login(t.Context(), "alice", right); err != nil {
				t.Fatal(err)
			}
			if n := r.fake.Calls().Bind; n != want {
				t.Errorf("login %d: %d binds, want %d", i+1, n, want)
			}
		}
	})
}

// TestPositiveMemorySeesTheAccount: what ends an account ends it here, too.
func TestPositiveMemorySeesTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, func(s *setup) { s.auth.ProvenFor, s.cached.TTL = time.Minute, 10*time.Second })
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
		u := alice()
		u.Refused = identity.ReasonDisabled
		r.fake.Put(u)
		time.Sleep(12 * time.Second)
		_, err := r.login(t.Context(), "alice", right)
		wantReason(t, err, identity.ReasonDisabled)
	})
}
