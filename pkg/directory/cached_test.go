package directory_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP60_FloodOfNames: random names push nobody out who is known, and their memory is bounded.
func TestLDAP60_FloodOfNames(t *testing.T) {
	t.Parallel()
	r := newRoom(t, func(s *setup) { s.cached.Size, s.cached.UnknownSize = 2, 10 })
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		_, err := r.login(t.Context(), "random"+strconv.Itoa(i), "x")
		wantReason(t, err, identity.ReasonNotFound)
	}
	before := r.fake.Calls()
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Fatal(err)
	}
	after := r.fake.Calls()
	if after.Find != before.Find || after.Account != before.Account {
		t.Errorf("after a flood alice was asked for again: %+v, then %+v", before, after)
	}
	if r.heard("evicted corp unknown_name") != 990 || r.heard("evicted corp entry") != 0 || r.heard("evicted corp account") != 0 {
		t.Errorf("told %v, want 990 unknown names dropped and nothing else", r.told)
	}
}

func TestUnknownNamesAreRememberedShortly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		for range 3 {
			_, err := r.login(t.Context(), "bob", right)
			wantReason(t, err, identity.ReasonNotFound)
		}
		if n := r.fake.Calls().Find; n != 1 {
			t.Errorf("%d searches for an unknown name, want 1", n)
		}
		r.fake.Put(directorytest.User{Name: "bob", Password: right})
		time.Sleep(12 * time.Second)
		if _, err := r.login(t.Context(), "bob", right); err != nil {
			t.Errorf("login of a new user: %v", err)
		}
	})
}

// TestLDAP61_CachedLivesAreSpread: 1,000 users who came together are not read again in the same second.
func TestLDAP61_CachedLivesAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const users = 1000
		r := newRoom(t, func(s *setup) {
			s.users = nil
			for i := range users {
				s.users = append(s.users, directorytest.User{Name: "u" + strconv.Itoa(i), Password: right})
			}
		})
		ask := func() int {
			before := r.fake.Calls().Find
			for i := range users {
				if _, err := r.cached.Find(t.Context(), "u"+strconv.Itoa(i), directory.AnyAge); err != nil {
					t.Fatal(err)
				}
			}
			return r.fake.Calls().Find - before
		}
		ask()
		time.Sleep(101 * time.Second)
		if n := ask(); n != 0 {
			t.Errorf("%d entries ended before 85 %% of their life, want none", n)
		}
		total := 0
		for range 38 {
			time.Sleep(time.Second)
			n := ask()
			total += n
			if n > users/10 {
				t.Errorf("%d of %d entries were read again in one second", n, users)
			}
		}
		if total != users {
			t.Errorf("%d entries were read again within their life, want %d", total, users)
		}
	})
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		ctx := t.Context()
		ask := func(maxAge time.Duration) (searches, reads int) {
			before := r.fake.Calls()
			e, err := r.cached.Find(ctx, "alice", maxAge)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.cached.Account(ctx, e, directory.Proof{}, maxAge); err != nil {
				t.Fatal(err)
			}
			after := r.fake.Calls()
			return after.Find - before.Find, after.Account - before.Account
		}
		ask(directory.AnyAge)
		time.Sleep(20 * time.Second)
		for _, tt := range []struct {
			maxAge time.Duration
			want   int
		}{{directory.AnyAge, 0}, {21 * time.Second, 0}, {20 * time.Second, 1}, {time.Second, 0}, {0, 1}} {
			if f, a := ask(tt.maxAge); f != tt.want || a != tt.want {
				t.Errorf("maxAge %v asked %d and %d times, want %d", tt.maxAge, f, a, tt.want)
			}
		}
	})
}

// TestLDAP58_StaleWhileDown: accounts outlive their life by StaleIfDown while the directory is away, and say so;
// who was never seen is unavailable, not unknown.
func TestLDAP58_StaleWhileDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, func(s *setup) { s.cached.StaleIfDown = 15 * time.Minute })
		if p, err := r.auth.Resolve(t.Context(), "corp", "alice"); err != nil || p.Stale {
			t.Fatalf("Resolve() = %+v, %v", p, err)
		}
		r.fake.Down()
		time.Sleep(10 * time.Minute)
		p, err := r.auth.Resolve(t.Context(), "", "Alice")
		if err != nil || !p.Stale || len(p.Groups) != 1 {
			t.Errorf("Resolve while down = %+v, %v, want alice, stale", p, err)
		}
		if r.heard("cache corp account stale") != 1 || r.heard("cache corp entry stale") != 1 {
			t.Errorf("told %v, want one stale entry and account", r.told)
		}
		if _, err := r.login(t.Context(), "alice", right); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("login while down: error %v, want ErrUnavailable: no bind, no login", err)
		}
		if _, err := r.auth.Resolve(t.Context(), "", "bob"); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("Resolve of one never seen: error %v, want ErrUnavailable", err)
		}
		time.Sleep(10 * time.Minute)
		if _, err := r.auth.Resolve(t.Context(), "", "alice"); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("Resolve after the limit: error %v, want ErrUnavailable", err)
		}
		r.fake.Up()
		if p, err := r.auth.Resolve(t.Context(), "", "alice"); err != nil || p.Stale {
			t.Errorf("Resolve after the outage = %+v, %v, want alice, not stale", p, err)
		}
	})
}

// TestLDAP59_StaleOverrulesNoNo: not found and refused stand, whatever is remembered.
func TestLDAP59_StaleOverrulesNoNo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*directorytest.Fake)
		want   identity.Reason
	}{
		{"gone", func(f *directorytest.Fake) { f.Remove("id-alice") }, identity.ReasonNotFound},
		{"disabled", func(f *directorytest.Fake) {
			u := alice()
			u.Refused = identity.ReasonDisabled
			f.Put(u)
		}, identity.ReasonDisabled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, func(s *setup) { s.cached.StaleIfDown = time.Hour })
				if _, err := r.auth.Resolve(t.Context(), "", "alice"); err != nil {
					t.Fatal(err)
				}
				tt.change(r.fake)
				time.Sleep(5 * time.Minute)
				_, err := r.auth.Resolve(t.Context(), "", "alice")
				wantReason(t, err, tt.want)
				r.fake.Down() // and what was learned is not forgotten in an outage
				time.Sleep(time.Second)
				if p, err := r.auth.Resolve(t.Context(), "", "alice"); err == nil {
					t.Errorf("Resolve while down = %+v, want an error", p)
				}
			})
		})
	}
}

// TestGroupsUnreadable: what could not be read completely is unavailable, never an account without groups.
func TestGroupsUnreadable(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.fake.OnAccount = func(context.Context, directory.Entry) error { return identity.ErrUnavailable }
	p, err := r.login(t.Context(), "alice", right)
	if !errors.Is(err, identity.ErrUnavailable) || p.Kind != identity.Anonymous {
		t.Errorf("login = %+v, %v, want ErrUnavailable", p, err)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	ctx := t.Context()
	if _, err := r.auth.Resolve(ctx, "", "alice"); err != nil {
		t.Fatal(err)
	}
	r.cached.Forget("id-of-another")
	r.cached.Forget("id-alice")
	// What was asked before Forget is not remembered after it.
	r.fake.OnAccount = func(context.Context, directory.Entry) error {
		r.cached.Forget("id-alice")
		return nil
	}
	for range 2 {
		if _, err := r.auth.Resolve(ctx, "", "alice"); err != nil {
			t.Fatal(err)
		}
	}
	want := directorytest.Calls{Find: 3, Account: 3}
	if got := r.fake.Calls(); got != want {
		t.Errorf("asked %+v, want %+v", got, want)
	}
}

// TestMovedEntryDropsItsAccount: groups name their members by DN, so a new DN means new groups.
func TestMovedEntryDropsItsAccount(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if _, err := r.auth.Resolve(t.Context(), "", "alice"); err != nil {
		t.Fatal(err)
	}
	u := alice()
	u.DN, u.Groups = "uid=alice,ou=elsewhere,dc=example,dc=org", nil
	r.fake.Put(u)
	if _, err := r.cached.Find(t.Context(), "alice", 0); err != nil {
		t.Fatal(err)
	}
	p, err := r.auth.Resolve(t.Context(), "", "alice")
	if err != nil || len(p.Groups) != 0 {
		t.Errorf("Resolve after the move = %+v, %v, want no groups", p, err)
	}
}

func TestIncompleteEntryIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, cut := range []func(*directory.Entry){
		func(e *directory.Entry) { e.ID = "" },
		func(e *directory.Entry) { e.DN = "" },
		func(e *directory.Entry) { e.Name = "" },
	} {
		c, err := directory.NewCached(directory.CachedOptions{Backend: cutter{directorytest.NewFake(alice()), cut}})
		if err != nil {
			t.Fatal(err)
		}
		if e, err := c.Find(t.Context(), "alice", 0); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("Find() = %+v, %v, want ErrUnavailable", e, err)
		}
	}
}

// cutter is a Backend whose entries lack something.
type cutter struct {
	*directorytest.Fake

	cut func(*directory.Entry)
}

func (c cutter) Find(ctx context.Context, login string, maxAge time.Duration) (directory.Entry, error) {
	e, err := c.Fake.Find(ctx, login, maxAge)
	c.cut(&e)
	return e, err
}

func TestResolve(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, source, login string
		want                identity.Reason
	}{
		{"by login", "corp", "alice", ""},
		{"default source", "", "ALICE", ""},
		{"another source", "other", "alice", identity.ReasonNotFound},
		{"by id", "corp", "id:id-alice", ""},
		{"by id, default source", "", "id:id-alice", ""},
		{"unknown id", "corp", "id:alice", identity.ReasonNotFound},
		{"id of another case", "corp", "id:ID-alice", identity.ReasonNotFound},
		{"no id", "corp", "id:", identity.ReasonNotFound},
		{"id as a login", "corp", "id-alice", identity.ReasonNotFound},
		{"unknown", "corp", "nobody", identity.ReasonNotFound},
		{"bad name", "corp", "a\x00", identity.ReasonBadName},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			p, err := r.auth.Resolve(t.Context(), tt.source, tt.login)
			if tt.want != "" {
				wantReason(t, err, tt.want)
			} else if err != nil || p.Name != "alice" || len(p.Groups) != 1 {
				t.Errorf("Resolve() = %+v, %v, want alice", p, err)
			}
			if r.fake.Calls().Prove != 0 || r.heard("login corp ok") != 0 {
				t.Error("Resolve counts as a login")
			}
		})
	}
}

// TestResolveAfterRename: an entry that is gone from where it was is looked up again.
func TestResolveAfterRename(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spread := []float64{0.99, 0} // the entry outlives the account
		r := newRoom(t, func(s *setup) {
			s.cached.Rand = func() float64 {
				next := spread[0]
				spread = append(spread[1:], 0.5)
				return next
			}
		})
		if _, err := r.auth.Resolve(t.Context(), "", "alice"); err != nil {
			t.Fatal(err)
		}
		r.fake.Remove("id-alice")
		u := alice()
		u.ID = "id-new"
		r.fake.Put(u)
		time.Sleep(105 * time.Second)
		p, err := r.auth.Resolve(t.Context(), "", "alice")
		if err != nil || p.ID != "id-new" {
			t.Errorf("Resolve() = %+v, %v, want the account as it is now", p, err)
		}
		if n := r.fake.Calls().Account; n != 3 {
			t.Errorf("%d accounts were read, want 3: the old one twice, and the new one", n)
		}
	})
}

// TestFindIDIsRemembered: an entry is remembered by its id, apart from its names, and forgotten with them.
func TestFindIDIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	ask := func(id string) (directory.Entry, error) { return r.cached.FindID(t.Context(), id, directory.AnyAge) }
	for range 3 {
		if e, err := ask("id-alice"); err != nil || e.Name != "alice" {
			t.Fatalf("FindID() = %+v, %v, want alice", e, err)
		}
		_, err := ask("id-nobody")
		wantReason(t, err, identity.ReasonNotFound)
	}
	_, err := r.cached.Find(t.Context(), "id-alice", directory.AnyAge)
	wantReason(t, err, identity.ReasonNotFound)
	if n := r.fake.Calls().FindID; n != 2 {
		t.Errorf("%d questions for two ids, want 2", n)
	}
	r.cached.Forget("id-alice")
	if _, err := ask("id-alice"); err != nil || r.fake.Calls().FindID != 3 {
		t.Errorf("after Forget: %v, %d questions, want a third", err, r.fake.Calls().FindID)
	}
}

// strict refuses accounts that no bind has proven just now, as a directory with grace logins does.
type strict struct{ *directorytest.Fake }

func (s strict) Account(ctx context.Context, e directory.Entry, p directory.Proof, maxAge time.Duration) (directory.Account, error) {
	a, err := s.Fake.Account(ctx, e, p, maxAge)
	if err == nil && p.IsZero() {
		return directory.Account{}, &identity.AccountError{Reason: identity.ReasonPasswordExpired}
	}
	return a, err
}

// TestProvenAccountsAreReadForThemselves: what is said of an account without a proof is no answer to a login that has one.
func TestProvenAccountsAreReadForThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, func(s *setup) { s.through = func(f *directorytest.Fake) directory.Backend { return strict{f} } })
		e, err := r.cached.Find(t.Context(), "alice", directory.AnyAge)
		if err != nil {
			t.Fatal(err)
		}
		slow(r.fake, time.Second)
		resolved := make(chan error, 1)
		go func() {
			_, err := r.auth.Resolve(t.Context(), "corp", directory.IDPrefix+e.ID)
			resolved <- err
		}()
		time.Sleep(500 * time.Millisecond) // its account is being read
		if _, err := r.cached.Account(t.Context(), e, directory.Proof{Server: "one", At: time.Now()}, directory.AnyAge); err != nil {
			t.Errorf("the account of a proven password: %v", err)
		}
		wantReason(t, <-resolved, identity.ReasonPasswordExpired)
	})
}
