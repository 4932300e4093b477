package directory_test

import (
	"context"
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

// locking gives the rule of a domain: so many wrong passwords in ten minutes.
func locking(threshold int) guard.Lockout {
	return guard.Lockout{Known: true, Threshold: threshold, Window: 10 * time.Minute}
}

// TestBudgetFollowsTheDirectory: two less than its threshold, in its window, and never so many that the account is
// locked.
func TestBudgetFollowsTheDirectory(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rule guard.Lockout
		want int
	}{
		{"threshold 5", locking(5), 3},
		{"threshold 4", locking(4), 2},
		{"threshold 3", locking(3), 1},
		{"threshold 2", locking(2), 1},
		{"threshold 100", locking(100), 10},
		{"no threshold", guard.Lockout{Known: true}, 10},
		{"nothing told", guard.Lockout{}, 3},
		{"not readable, and believed strict", guard.Lockout{Threshold: 3}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, guarded(t))
				r.fake.Rule = tt.rule
				for range 3 {
					for i := range 100 {
						if err := r.from(t.Context(), stranger, "alice", "junk "+strconv.Itoa(i)); err == nil {
							t.Fatal("a wrong password logged in")
						}
					}
				}
				if n := r.fake.Calls().Bind; n != tt.want {
					t.Errorf("%d binds, want %d", n, tt.want)
				}
				if tt.rule.Known && r.fake.Locked("id-alice") {
					t.Error("the account is locked")
				}
				if !tt.rule.Known || tt.rule.Threshold == 0 {
					return
				}
				time.Sleep(10 * time.Minute)
				if err := r.from(t.Context(), desk, "alice", right); err != nil {
					t.Errorf("the owner after the directory's window: %v", err)
				}
			})
		})
	}
}

// TestWhatTheDirectoryCountsCounts: with wrong passwords from elsewhere, or from before a restart, no bind is the one
// that locks; many at once neither.
func TestWhatTheDirectoryCountsCounts(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		elsewhere, at := i/2, []string{"at once", "one after the other"}[i%2]
		t.Run(strconv.Itoa(elsewhere)+" "+at, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, guarded(t))
				r.fake.Rule = locking(5)
				slow(r.fake, 100*time.Millisecond)
				for range elsewhere {
					r.fake.WrongPassword("id-alice")
				}
				var wg sync.WaitGroup
				for i := range 50 {
					wg.Go(func() { _ = r.from(t.Context(), stranger, "alice", "junk "+strconv.Itoa(i)) })
					if at != "at once" {
						wg.Wait()
					}
				}
				wg.Wait()
				if was, is := elsewhere >= 5, r.fake.Locked("id-alice"); was != is {
					t.Errorf("locked %t after %d wrong passwords elsewhere, want %t", is, elsewhere, was)
				}
				if elsewhere == 4 {
					wantReason(t, r.from(t.Context(), desk, "alice", right), identity.ReasonThrottled)
				}
			})
		})
	}
}

// TestLockedSaysSo: an account that is locked already is bound, as the directory says best why it refuses.
func TestLockedSaysSo(t *testing.T) {
	t.Parallel()
	r := newRoom(t, guarded(t))
	r.fake.Rule = locking(5)
	for range 5 {
		r.fake.WrongPassword("id-alice")
	}
	wantReason(t, r.from(t.Context(), desk, "alice", right), identity.ReasonLocked)
}

// TestCountedPasswordsWaitForTheDirectory: one attempt below the lock, the owner is let in as soon as the directory
// forgets, and the one who was proven before is never kept out.
func TestCountedPasswordsWaitForTheDirectory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, guarded(t), func(s *setup) { s.users = append(s.users, bob()) })
		r.fake.Rule = locking(5)
		if err := r.from(t.Context(), desk, "alice", right); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			r.fake.WrongPassword("id-alice")
			r.fake.WrongPassword("id-bob")
		}
		time.Sleep(time.Minute)
		if err := r.from(t.Context(), desk, "alice", right); err != nil {
			t.Errorf("who was proven before: %v", err)
		}
		wantThrottled(t, r.from(t.Context(), desk, "bob", right), 9*time.Minute)
		time.Sleep(9 * time.Minute)
		if err := r.from(t.Context(), desk, "bob", right); err != nil {
			t.Errorf("after the directory's window: %v", err)
		}
	})
}

// TestDirectoryThatNeverForgets: where failures count until a success, what the directory shows takes the place of a
// window that is longer than anybody waits.
func TestDirectoryThatNeverForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, guarded(t))
		r.fake.Rule = guard.Lockout{Known: true, Threshold: 5}
		for i := range 10 {
			_ = r.from(t.Context(), desk, "alice", "typo "+strconv.Itoa(i))
		}
		if n := r.fake.Failures("id-alice"); n != 3 {
			t.Fatalf("%d failures, want 3", n)
		}
		time.Sleep(window)
		_ = r.from(t.Context(), desk, "alice", "typo again")
		for i := range 10 {
			time.Sleep(window)
			_ = r.from(t.Context(), desk, "alice", "and again "+strconv.Itoa(i))
		}
		if r.fake.Locked("id-alice") {
			t.Error("the account is locked")
		}
		wantReason(t, r.from(t.Context(), desk, "alice", right), identity.ReasonThrottled)
	})
}

// TestBoundEntryIsFresh: the count that a bind relies on is not older than a second, and costs one search for all who
// ask at once.
func TestBoundEntryIsFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, guarded(t))
		r.fake.Rule = locking(5)
		if _, err := r.cached.Find(t.Context(), "alice", time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for range 4 {
			r.fake.WrongPassword("id-alice")
		}
		wantReason(t, r.from(t.Context(), stranger, "alice", "junk"), identity.ReasonThrottled)
		if c := r.fake.Calls(); c.Bind != 0 || c.Find != 2 {
			t.Errorf("%d binds and %d searches, want 0 and 2", c.Bind, c.Find)
		}
	})
}

// TestLockThatIsNotTold: some directories answer a right password as a wrong one while the account is locked, as OpenLDAP
// does by itself. It is not remembered as wrong for longer than the lock, nor is it forgotten that it was right.
func TestLockThatIsNotTold(t *testing.T) {
	t.Parallel()
	for _, proven := range []bool{true, false} {
		t.Run("proven before "+strconv.FormatBool(proven), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, guarded(t), func(s *setup) { s.users[0].PasswordChanged = time.Now().Add(-24 * time.Hour) })
				r.fake.Rule, r.fake.HidesLocks = locking(5), true
				if proven {
					if err := r.from(t.Context(), desk, "alice", right); err != nil {
						t.Fatal(err)
					}
				}
				for range 5 {
					r.fake.WrongPassword("id-alice")
				}
				time.Sleep(time.Minute)
				wantReason(t, r.from(t.Context(), desk, "alice", right), identity.ReasonWrongPassword)
				for i := range 10 {
					_ = r.from(t.Context(), stranger, "alice", "junk "+strconv.Itoa(i))
				}
				if proven {
					time.Sleep(9 * time.Minute) // the lock has ended
				} else {
					time.Sleep(11 * time.Minute) // and what counts here has
				}
				if err := r.from(t.Context(), desk, "alice", right); err != nil {
					t.Errorf("the owner after the lock: %v", err)
				}
			})
		})
	}
}

// distant is a directory whose answers take a while to arrive.
type distant struct {
	*directorytest.Fake

	way time.Duration
}

func (d distant) Find(ctx context.Context, login string, maxAge time.Duration) (directory.Entry, error) {
	e, err := d.Fake.Find(ctx, login, maxAge)
	time.Sleep(d.way)
	return e, err
}

// TestAnswersOnTheirWayAreOutOfDate: what the directory counted before a bind failed, and arrived after it, does not hide
// that failure from the next bind. Names of one account are looked up each for itself.
func TestAnswersOnTheirWayAreOutOfDate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const way, bind = 100 * time.Millisecond, 50 * time.Millisecond
		r := newRoom(t, guarded(t), func(s *setup) {
			s.through = func(f *directorytest.Fake) directory.Backend { return distant{f, way} }
		})
		r.fake.Rule = locking(5)
		r.fake.OnProve = func(context.Context, directory.Entry) error { time.Sleep(bind); return nil }
		for range 3 {
			r.fake.WrongPassword("id-alice")
		}
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.from(t.Context(), stranger, "alice", "junk") })
		time.Sleep(way + bind/2) // the bind is under way
		wg.Go(func() { _ = r.from(t.Context(), stranger, "alice@example.org", "more junk") })
		wg.Wait()
		if r.fake.Locked("id-alice") {
			t.Error("the account is locked")
		}
		if n := r.fake.Failures("id-alice"); n != 4 {
			t.Errorf("%d wrong passwords, want 4", n)
		}
	})
}
