package directory_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const window = 30 * time.Minute

var (
	desk     = netip.MustParseAddr("192.0.2.1")
	stranger = netip.MustParseAddr("198.51.100.1")
)

// guarded gives a room everything that protects accounts: 3 failed binds in 30 minutes, and 2 passwords at a time
// that nothing speaks for, with one more who waits.
func guarded(tb testing.TB, edits ...func(*setup)) func(*setup) {
	tb.Helper()
	memory, errMemory := guard.NewMemory(guard.MemoryOptions{})
	budget, errBudget := guard.NewBudget(guard.BudgetOptions{Counter: memory})
	strangers, errStrangers := guard.NewStrangers(guard.StrangersOptions{})
	share, errShare := guard.NewShare(2, 1)
	if err := errors.Join(errMemory, errBudget, errStrangers, errShare); err != nil {
		tb.Fatal(err)
	}
	return func(s *setup) {
		s.auth.Budget, s.auth.Strangers, s.auth.Unproven = budget, strangers, share
		for _, edit := range edits {
			edit(s)
		}
	}
}

// limited adds a limit of failures per address.
func limited(tb testing.TB, o guard.AddressesOptions) func(*setup) {
	tb.Helper()
	a, err := guard.NewAddresses(o)
	if err != nil {
		tb.Fatal(err)
	}
	return func(s *setup) { s.auth.Addresses = a }
}

// from logs in from an address.
func (r *room) from(ctx context.Context, client netip.Addr, name, password string) error {
	_, err := r.auth.Authenticate(ctx, identity.Credentials{
		Username: name, Password: identity.NewSecret(password), Client: client,
	})
	return err
}

// wantThrottled checks that an error says to come again after a time.
func wantThrottled(tb testing.TB, err error, after time.Duration) {
	tb.Helper()
	wantReason(tb, err, identity.ReasonThrottled)
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, identity.ErrThrottled) || retry.After != after {
		tb.Errorf("error = %v, want ErrThrottled for %v", err, after)
	}
}

// TestLDAP33_ManyWrongPasswords: 100 different ones, one after the other or at once, are at most 3 failed binds.
func TestLDAP33_ManyWrongPasswords(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"one after the other", "at once"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, guarded(t))
				slow(r.fake, 100*time.Millisecond)
				var wg sync.WaitGroup
				for i := range 100 {
					wg.Go(func() {
						if _, err := r.login(t.Context(), "alice", "wrong "+strconv.Itoa(i)); err == nil {
							t.Error("a wrong password logged in")
						}
					})
					if at != "at once" {
						wg.Wait()
					}
				}
				wg.Wait()
				if n := r.fake.Calls().Bind; n == 0 || n > 3 {
					t.Errorf("%d binds, want 1 to 3", n)
				}
				if r.heard("login corp throttled") == 0 || r.heard("budget corp") == 0 {
					t.Errorf("told %v, want throttled logins and refusals of the budget", r.told)
				}
			})
		})
	}
}

// TestLDAP34_ProvenPasswordStaysIn: strangers who type junk at a name do not keep its owner out, who goes on for
// longer than their time; who was never proven gets in after it.
func TestLDAP34_ProvenPasswordStaysIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bob := directorytest.User{Name: "bob", Password: right}
		r := newRoom(t, guarded(t, limited(t, guard.AddressesOptions{Max: 10})), func(s *setup) {
			s.users = append(s.users, bob)
		})
		if err := r.from(t.Context(), desk, "alice", right); err != nil {
			t.Fatal(err)
		}
		junk := func(n int) {
			for i := range n {
				_ = r.from(t.Context(), stranger, "alice", "junk "+strconv.Itoa(i))
				_ = r.from(t.Context(), stranger, "bob", "junk "+strconv.Itoa(i))
			}
		}
		junk(20)
		wantThrottled(t, r.from(t.Context(), desk, "bob", right), window)
		if err := r.from(t.Context(), stranger, "alice", right); err != nil {
			t.Errorf("alice from the strangers' own address: %v", err)
		}
		time.Sleep(window - time.Second)
		wantThrottled(t, r.from(t.Context(), desk, "bob", right), time.Second)
		time.Sleep(time.Second)
		if err := r.from(t.Context(), desk, "bob", right); err != nil {
			t.Errorf("bob after the window: %v", err)
		}
		junk(20)
		for _, name := range []string{"alice", "bob"} {
			if err := r.from(t.Context(), desk, name, right); err != nil {
				t.Errorf("%s among strangers: %v", name, err)
			}
		}
		if n := r.heard("cache corp admission hit"); n != 3 {
			t.Errorf("%d admissions, want 3", n)
		}
	})
}

// TestAdmissionEndsWithThePassword: a proven password that is wrong by now is sent once more, and stands in line
// after that; where the directory tells that it was changed, it is sent once. The new one is proven like any other.
func TestAdmissionEndsWithThePassword(t *testing.T) {
	t.Parallel()
	for dated, binds := range map[string]int{"undated": 4, "dated": 2} {
		t.Run(dated, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u := alice()
				if dated == "dated" {
					u.PasswordChanged = time.Now()
				}
				r := newRoom(t, guarded(t), func(s *setup) { s.users = []directorytest.User{u} })
				if _, err := r.login(t.Context(), "alice", right); err != nil {
					t.Fatal(err)
				}
				u.Password = "next"
				if dated == "dated" {
					u.PasswordChanged = time.Now().Add(time.Second)
				}
				r.fake.Put(u)
				time.Sleep(time.Hour) // what is remembered of the entry has ended
				for range 10 {
					_, err := r.login(t.Context(), "alice", right)
					if err == nil {
						t.Fatal("the old password logged in")
					}
					time.Sleep(time.Minute) // the wrong password is forgotten
				}
				if n := r.fake.Calls().Bind; n != binds {
					t.Errorf("%d binds, want %d: the first login, and those that failed", n, binds)
				}
				time.Sleep(window)
				if _, err := r.login(t.Context(), "alice", "next"); err != nil {
					t.Errorf("the new password: %v", err)
				}
			})
		})
	}
}

// TestLDAP36_LostAnswersAreCounted: a bind whose answer is lost keeps its slot, so that a password is not sent again
// and again; a bind that was not sent does not.
func TestLDAP36_LostAnswersAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, guarded(t))
		r.fake.OnProve = func(context.Context, directory.Entry) error { return identity.ErrUnavailable }
		for i := range 10 {
			_, err := r.login(t.Context(), "alice", right)
			want := identity.ReasonUnavailable
			if i >= 3 {
				want = identity.ReasonThrottled
			}
			wantReason(t, err, want)
		}
		if n := r.fake.Calls().Bind; n != 3 {
			t.Errorf("%d binds, want 3", n)
		}
		time.Sleep(window)
		r.fake.OnProve = nil
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
		r.fake.OnProve = func(context.Context, directory.Entry) error { return identity.ErrUnavailable }
		for range 10 { // it is proven by now: an outage throttles nobody
			_, err := r.login(t.Context(), "alice", right)
			wantReason(t, err, identity.ReasonUnavailable)
		}
		r.fake.OnProve = nil
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

// unsent is a directory whose binds never leave.
type unsent struct{ directory.Backend }

func (unsent) Prove(context.Context, directory.Entry, identity.Secret, guard.Attempts) (directory.Proof, error) {
	return directory.Proof{}, identity.ErrUnavailable
}

func TestWhatWasNotSentIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory, _ := guard.NewMemory(guard.MemoryOptions{})
		budget, _ := guard.NewBudget(guard.BudgetOptions{Counter: memory})
		addresses, _ := guard.NewAddresses(guard.AddressesOptions{Max: 2})
		share, _ := guard.NewShare(1, 0)
		auth, err := directory.New(directory.Options{
			Source: "corp", Backend: unsent{directorytest.NewFake(alice())},
			Budget: budget, Addresses: addresses, Unproven: share,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &room{auth: auth}
		for range 10 {
			wantReason(t, r.from(t.Context(), desk, "alice", right), identity.ReasonUnavailable)
		}
	})
}

// TestUnknownNamesAreAnsweredAlike: step by step, a name without an account is answered like one with an account and
// wrong passwords.
func TestUnknownNamesAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"account", "address"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answers := map[string][]string{}
				for _, name := range []string{"alice", "Nobody"} {
					r := newRoom(t, guarded(t))
					if limit == "address" {
						r = newRoom(t, limited(t, guard.AddressesOptions{Max: 2}), func(s *setup) {
							s.auth.Strangers, _ = guard.NewStrangers(guard.StrangersOptions{})
						})
					}
					for _, password := range []string{"a", "a", "b", "a", "c", "d", "b", "e"} {
						err := r.from(t.Context(), stranger, name, password)
						answer := "no"
						if retry, ok := errors.AsType[*identity.RetryError](err); ok {
							answer = "come again in " + retry.After.String()
						} else if !errors.Is(err, identity.ErrInvalidCredentials) {
							t.Fatalf("login: %v, want a refusal", err)
						}
						answers[name] = append(answers[name], answer)
					}
				}
				for i, known := range answers["alice"] {
					if unknown := answers["Nobody"][i]; unknown != known {
						t.Errorf("answer %d is %q to an unknown name and %q to a known one", i+1, unknown, known)
					}
				}
				if answers["alice"][7] == "no" {
					t.Error("never throttled")
				}
			})
		})
	}
}

// TestUnknownNamesAreAnsweredAlikeAtOnce: the same with many passwords in flight, some of them twice.
func TestUnknownNamesAreAnsweredAlikeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]map[string]int{}
		for _, name := range []string{"alice", "nobody"} {
			r := newRoom(t, guarded(t, limited(t, guard.AddressesOptions{})))
			slow(r.fake, 100*time.Millisecond)
			count := map[string]int{}
			var mu sync.Mutex
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() {
					err := r.from(t.Context(), stranger, name, strconv.Itoa(i%20))
					answer := "no"
					if retry, ok := errors.AsType[*identity.RetryError](err); ok {
						answer = "come again in " + retry.After.String()
					}
					mu.Lock()
					defer mu.Unlock()
					count[answer]++
				})
			}
			wg.Wait()
			answers[name] = count
		}
		if known, unknown := answers["alice"], answers["nobody"]; !maps.Equal(known, unknown) || known["no"] == 0 || known["no"] == 40 {
			t.Errorf("a known name is answered %v, an unknown one %v, want the same", known, unknown)
		}
	})
}

// TestAddressLimit: an address that failed too often is refused before a bind, whatever the account; from elsewhere
// the account is reached.
func TestAddressLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, limited(t, guard.AddressesOptions{Max: 2, Window: 10 * time.Minute}), func(s *setup) {
			s.users = append(s.users, directorytest.User{Name: "bob", Password: right})
		})
		for i := range 2 {
			wantReason(t, r.from(t.Context(), stranger, "alice", strconv.Itoa(i)), identity.ReasonWrongPassword)
		}
		binds := r.fake.Calls().Bind
		wantThrottled(t, r.from(t.Context(), stranger, "bob", right), 5*time.Minute)
		if n := r.fake.Calls().Bind; n != binds {
			t.Errorf("%d binds from an address without credit, want none", n-binds)
		}
		if err := r.from(t.Context(), desk, "bob", right); err != nil {
			t.Errorf("bob from elsewhere: %v", err)
		}
		if err := r.from(t.Context(), stranger, "bob", right); err != nil {
			t.Errorf("bob, proven: %v", err)
		}
		if r.heard("budget corp") != 0 {
			t.Error("told of a refusal of the budget")
		}
	})
}

// TestUnprovenNeverFillThePool: of passwords that nothing speaks for only so many are bound at once; a proven one
// does not wait for them.
func TestUnprovenNeverFillThePool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, guarded(t), func(s *setup) {
			for i := range 10 {
				s.users = append(s.users, directorytest.User{Name: "user" + strconv.Itoa(i), Password: right})
			}
		})
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
		slow(r.fake, time.Second)
		r.fake.OnFind, r.fake.OnAccount = nil, nil
		answers := make(chan error, 10)
		for i := range 10 {
			go func() {
				_, err := r.login(t.Context(), "user"+strconv.Itoa(i), right)
				answers <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := r.login(t.Context(), "alice", right); err != nil || time.Since(start) != time.Second {
			t.Errorf("alice logged in after %v, %v, want the second of one bind", time.Since(start), err)
		}
		served := 0
		for range 10 {
			if err := <-answers; err == nil {
				served++
			} else {
				wantReason(t, err, identity.ReasonBusy)
			}
		}
		if served != 3 {
			t.Errorf("%d were served, want 3: two at once, and the one who waited", served)
		}
		if _, err := r.login(t.Context(), "user0", right); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestRefusalTime: only binds that refused a password say how long that takes.
func TestRefusalTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		slow(r.fake, 100*time.Millisecond)
		r.fake.OnFind = nil
		want := func(d time.Duration) {
			t.Helper()
			if got := r.auth.RefusalTime(); got != d {
				t.Errorf("RefusalTime() = %v, want %v", got, d)
			}
		}
		for _, password := range []string{right, ""} {
			_, _ = r.login(t.Context(), "alice", password)
			want(0)
		}
		for i := range 200 {
			_, _ = r.login(t.Context(), "alice", strconv.Itoa(i))
			_, _ = r.login(t.Context(), "alice", strconv.Itoa(i))
			_, _ = r.login(t.Context(), "nobody", "x")
			want(100 * time.Millisecond)
		}
		slow(r.fake, 300*time.Millisecond)
		r.fake.OnFind = nil
		for i := range 20 {
			_, _ = r.login(t.Context(), "alice", "slow "+strconv.Itoa(i))
		}
		want(300 * time.Millisecond)
	})
}
