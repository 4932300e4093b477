package directory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// replace deletes alice and makes somebody else at the same DN.
func replace(f *directorytest.Fake) {
	f.Remove("id-alice")
	u := alice()
	u.ID, u.Password, u.Groups = "id-new", "new password", nil
	f.Put(u)
}

// TestReusedDN: an entry that was deleted and made again at the same DN is another account, although a
// remembered entry still leads to that DN.
func TestReusedDN(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		change     func(*directorytest.Fake)
		password   string
		want       identity.Reason // empty: logged in
		wantID     string
		find, bind int
	}{
		{"proven before", func(*directorytest.Fake) {}, right, "", "id-alice", 0, 1},
		{"another person", replace, "new password", "", "id-new", 1, 1},
		{"another person, password of the one before", replace, right, identity.ReasonWrongPassword, "", 0, 1},
		{"same person, next password", func(f *directorytest.Fake) {
			u := alice()
			u.Password = "next password"
			f.Put(u)
		}, "next password", "", "id-alice", 1, 1},
		{"another person, search fails", func(f *directorytest.Fake) {
			replace(f)
			f.OnFind = func(context.Context, string) error { return identity.ErrUnavailable }
		}, "new password", identity.ReasonUnavailable, "", 1, 0},
		{"another person under another name", func(f *directorytest.Fake) {
			f.Remove("id-alice")
			f.Put(directorytest.User{Name: "bob", DN: "uid=alice,ou=people,dc=example,dc=org", Password: "new password"})
		}, "new password", identity.ReasonNotFound, "", 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t)
				if _, err := r.login(t.Context(), "alice", right); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				tt.change(r.fake)
				before := r.fake.Calls()
				p, err := r.login(t.Context(), "alice", tt.password)
				if tt.want != "" {
					wantReason(t, err, tt.want)
				} else if err != nil {
					t.Errorf("login: %v", err)
				}
				if p.ID != tt.wantID {
					t.Errorf("logged in as %q, want %q", p.ID, tt.wantID)
				}
				if p.ID == "id-new" && len(p.Groups) != 0 {
					t.Errorf("the new person has groups %v, want none", p.Groups)
				}
				after := r.fake.Calls()
				if after.Find-before.Find != tt.find || after.Bind-before.Bind != tt.bind {
					t.Errorf("%d searches and %d binds, want %d and %d",
						after.Find-before.Find, after.Bind-before.Bind, tt.find, tt.bind)
				}
			})
		})
	}
}

// TestReusedDNWithoutALoginBefore: what is remembered of an entry since a wrong password, or since explain asked
// for it, proves nothing about who has its DN now.
func TestReusedDNWithoutALoginBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		if _, err := r.auth.Resolve(t.Context(), "", "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		replace(r.fake)
		p, err := r.login(t.Context(), "alice", "new password")
		if err != nil || p.ID != "id-new" {
			t.Errorf("logged in as %q, %v, want id-new", p.ID, err)
		}
		before := r.fake.Calls()
		if _, err := r.login(t.Context(), "alice", "new password"); err != nil {
			t.Fatal(err)
		}
		if after := r.fake.Calls(); after.Find != before.Find || after.Bind != before.Bind+1 {
			t.Errorf("the second login asked %+v after %+v, want one bind", after, before)
		}
	})
}

// TestSharedBindIsOnesOwn: two names of one remembered entry that by now are two accounts do not share one.
func TestSharedBindIsOnesOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		for _, name := range []string{"alice", "alice@example.org"} {
			if _, err := r.login(t.Context(), name, right); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		r.fake.Remove("id-alice")
		r.fake.Put(directorytest.User{Name: "alice", ID: "id-new", Password: "common"})
		r.fake.Put(directorytest.User{Name: "bob", Aliases: []string{"alice@example.org"}, Password: "common"})
		r.fake.OnProve = func(context.Context, directory.Entry) error {
			time.Sleep(time.Second)
			return nil
		}
		got := map[string]chan string{}
		for name := range map[string]string{"alice": "id-new", "alice@example.org": "id-bob"} {
			got[name] = make(chan string, 1)
			go func() {
				p, err := r.login(t.Context(), name, "common")
				if err != nil {
					t.Errorf("login %q: %v", name, err)
				}
				got[name] <- p.ID
			}()
		}
		for name, want := range map[string]string{"alice": "id-new", "alice@example.org": "id-bob"} {
			if id := <-got[name]; id != want {
				t.Errorf("%q logged in as %q, want %q", name, id, want)
			}
		}
	})
}

// exact is a directory whose login names differ by case.
type exact struct{ directory.Backend }

func (b exact) Find(ctx context.Context, login string, age time.Duration) (directory.Entry, error) {
	e, err := b.Backend.Find(ctx, login, age)
	if err == nil && e.Name != login {
		return directory.Entry{}, &identity.AccountError{Reason: identity.ReasonNotFound}
	}
	return e, err
}

// TestUnknownSpellingShutsNobodyOut: that one spelling of a name is unknown says nothing about another one.
func TestUnknownSpellingShutsNobodyOut(t *testing.T) {
	t.Parallel()
	fake := directorytest.NewFake(alice())
	cached, err := directory.NewCached(directory.CachedOptions{Backend: exact{fake}, Source: "corp"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := cached.Find(t.Context(), "ALICE", directory.AnyAge); !errors.Is(err, identity.ErrInvalidCredentials) {
			t.Errorf("Find ALICE = %v, want not found", err)
		}
	}
	if n := fake.Calls().Find; n != 1 {
		t.Errorf("%d searches for an unknown spelling, want 1", n)
	}
	if _, err := cached.Find(t.Context(), "alice", directory.AnyAge); err != nil {
		t.Errorf("Find alice: %v", err)
	}
}

// TestRenamedSinceItWasRead: an account with a new canonical name logs in under it by a name that still leads to it, as
// soon as its groups are read again.
func TestRenamedSinceItWasRead(t *testing.T) {
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
		u := alice()
		u.ID, u.DN, u.PasswordChanged = "id-alice", "cn=alice,dc=example,dc=org", time.Now()
		r.fake.Put(u)
		r.fake.OnAccount = func(_ context.Context, e directory.Entry) error {
			if e.Name != u.Name {
				return &identity.AccountError{Reason: identity.ReasonNotFound}
			}
			return nil
		}
		if _, err := r.login(t.Context(), u.Aliases[0], right); err != nil {
			t.Fatal(err)
		}
		u.Name = "alice2"
		r.fake.Put(u)
		time.Sleep(105 * time.Second)
		p, err := r.login(t.Context(), u.Aliases[0], right)
		if err != nil || p.Name != "alice2" {
			t.Errorf("login after the change = %q, %v, want alice2", p.Name, err)
		}
	})
}
