package directory_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// slow makes every question of the fake take a while.
func slow(f *directorytest.Fake, d time.Duration) {
	wait := func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.OnFind = func(ctx context.Context, _ string) error { return wait(ctx) }
	f.OnProve = func(ctx context.Context, _ directory.Entry) error { return wait(ctx) }
	f.OnAccount = func(ctx context.Context, _ directory.Entry) error { return wait(ctx) }
}

// TestP35_IdenticalLoginsShareOneBind: cold as they are, 100 right logins at once ask each question once.
func TestP35_IdenticalLoginsShareOneBind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		slow(r.fake, 100*time.Millisecond)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				p, err := r.login(t.Context(), "alice", right)
				if err != nil || p.ID != "id-alice" || len(p.Groups) != 1 {
					t.Errorf("login = %+v, %v, want alice", p, err)
				}
			})
		}
		wg.Wait()
		want := directorytest.Calls{Find: 1, Prove: 1, Bind: 1, Account: 1}
		if got := r.fake.Calls(); got != want {
			t.Errorf("100 logins asked %+v, want %+v", got, want)
		}
		for _, kind := range []string{"find", "bind", "account"} {
			if n := r.heard("coalesced corp " + kind); n != 99 {
				t.Errorf("told of %d shared answers of %s, want 99", n, kind)
			}
		}
	})
}

// TestP33_OneBindForEachWrongPassword: 100 wrong logins at once with 5 passwords, and 100 more afterwards.
func TestP33_OneBindForEachWrongPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		slow(r.fake, 100*time.Millisecond)
		for range 2 {
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					_, err := r.login(t.Context(), "alice", "wrong "+strconv.Itoa(i%5))
					if !errors.Is(err, identity.ErrInvalidCredentials) {
						t.Errorf("login error = %v, want a refusal", err)
					}
				})
			}
			wg.Wait()
		}
		if n := r.fake.Calls().Bind; n != 5 {
			t.Errorf("%d binds, want 5: one for each password", n)
		}
	})
}

// TestLDAP56_OneCancelFailsNobodyElse: whoever leaves, the others get their principal from the one bind.
func TestLDAP56_OneCancelFailsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		slow(r.fake, time.Second)
		impatient, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := r.login(impatient, "alice", right)
			left <- err
		}()
		synctest.Wait()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := r.login(t.Context(), "alice", right); err != nil {
					t.Errorf("login of one who stayed: %v", err)
				}
			})
		}
		time.Sleep(1500 * time.Millisecond) // in the middle of the bind
		cancel()
		err := <-left
		wantReason(t, err, identity.ReasonClientGone)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("error of the one who left = %v, want its cancel, and unavailable", err)
		}
		wg.Wait()
		if n := r.fake.Calls().Bind; n != 1 {
			t.Errorf("%d binds, want 1", n)
		}
	})
}

// TestHangingUpDoesNotBindTwice: the answer to a bind is remembered although nobody waited for it.
func TestHangingUpDoesNotBindTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		slow(r.fake, time.Second)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			_, err := r.login(ctx, "alice", "nope")
			cancel()
			if err == nil {
				t.Error("login with a wrong password: no error")
			}
		}
		r.auth.Wait()
		r.cached.Wait()
		if n := r.fake.Calls().Bind; n != 1 {
			t.Errorf("%d binds, want 1", n)
		}
	})
}

// TestUnavailableIsNeverANo: no fault of the directory is taken for an answer, remembered, or hides the right
// answer afterwards.
func TestUnavailableIsNeverANo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault error
		want  identity.Reason
	}{
		{"unavailable", identity.ErrUnavailable, identity.ReasonUnavailable},
		{"deadline", context.DeadlineExceeded, identity.ReasonTimeout},
		{"without a reason", &identity.RetryError{Err: identity.ErrUnavailable}, identity.ReasonUnavailable},
		{"busy", &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonBusy, After: 3 * time.Second}, identity.ReasonBusy},
	}
	stages := map[string]func(*directorytest.Fake, error){
		"find": func(f *directorytest.Fake, err error) {
			f.OnFind = func(context.Context, string) error { return err }
		},
		"bind": func(f *directorytest.Fake, err error) {
			f.OnProve = func(context.Context, directory.Entry) error { return err }
		},
		"account": func(f *directorytest.Fake, err error) {
			f.OnAccount = func(context.Context, directory.Entry) error { return err }
		},
	}
	for _, tt := range tests {
		for stage, inject := range stages {
			t.Run(stage+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				r := newRoom(t)
				inject(r.fake, tt.fault)
				for range 2 {
					p, err := r.login(t.Context(), "alice", right)
					wantReason(t, err, tt.want)
					if !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrInvalidCredentials) || p.ID != "" {
						t.Errorf("login = %+v, %v, want ErrUnavailable only", p, err)
					}
					retry, ok := errors.AsType[*identity.RetryError](err)
					if ok && (retry.Source != "corp" || (retry.Name == "alice") != (stage != "find")) {
						t.Errorf("error of %q@%q, want the entry as soon as it is known", retry.Name, retry.Source)
					}
				}
				inject(r.fake, nil)
				if _, err := r.login(t.Context(), "alice", right); err != nil {
					t.Errorf("login after the fault: %v", err)
				}
			})
		}
	}
}

func TestOwnDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, func(s *setup) { s.cached.QuestionTimeout, s.auth.BindTimeout = time.Second, 2*time.Second })
		r.fake.OnProve = func(ctx context.Context, _ directory.Entry) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		_, err := r.login(t.Context(), "alice", right)
		wantReason(t, err, identity.ReasonTimeout)
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("a bind without an answer took %v, want 2s", d)
		}
		r.fake.OnFind = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start = time.Now()
		_, err = r.login(t.Context(), "bob", right)
		wantReason(t, err, identity.ReasonTimeout)
		if d := time.Since(start); d != time.Second {
			t.Errorf("a search without an answer took %v, want 1s", d)
		}
	})
}

// TestPanicIsAnError: a fault in a Backend fails its own callers and nothing else.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	zero := 0
	r.fake.OnProve = func(context.Context, directory.Entry) error { return errors.New(strconv.Itoa(1 / zero)) }
	_, err := r.login(t.Context(), "alice", right)
	if err == nil || errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("login = %v, want an error that is no refusal", err)
	}
	r.fake.OnProve = nil
	if _, err := r.login(t.Context(), "alice", right); err != nil {
		t.Errorf("login after a panic: %v", err)
	}
}

// TestRefusedByAnOldEntry: an entry that was read a while ago is read again before a password is sent that was not
// proven before, and before one that was counts as wrong.
func TestRefusedByAnOldEntry(t *testing.T) {
	t.Parallel()
	const movedDN = "uid=alice,ou=elsewhere,dc=example,dc=org"
	tests := []struct {
		name       string
		age        time.Duration
		change     func(*directorytest.Fake)
		password   string
		want       identity.Reason // empty: logged in
		wantID     string
		find, bind int
	}{
		{"moved", time.Minute, func(f *directorytest.Fake) {
			u := alice()
			u.DN = movedDN
			f.Put(u)
		}, right, "", "id-alice", 1, 2},
		{"moved, wrong anyway", time.Minute, func(f *directorytest.Fake) {
			u := alice()
			u.DN = movedDN
			f.Put(u)
		}, "nope", identity.ReasonWrongPassword, "id-alice", 1, 1},
		{"another person by now", time.Minute, func(f *directorytest.Fake) {
			f.Remove("id-alice")
			u := alice()
			u.ID, u.DN, u.Password = "id-new", movedDN, "new password"
			f.Put(u)
		}, "new password", "", "id-new", 1, 1},
		{"gone", time.Minute, func(f *directorytest.Fake) { f.Remove("id-alice") }, right, identity.ReasonNotFound, "", 1, 1},
		{"unchanged", time.Minute, func(*directorytest.Fake) {}, "nope", identity.ReasonWrongPassword, "id-alice", 1, 1},
		{"read just now", time.Second, func(*directorytest.Fake) {}, "nope", identity.ReasonWrongPassword, "id-alice", 0, 1},
		{"search fails", time.Minute, func(f *directorytest.Fake) {
			f.OnFind = func(context.Context, string) error { return identity.ErrUnavailable }
		}, "nope", identity.ReasonUnavailable, "id-alice", 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t)
				if _, err := r.login(t.Context(), "alice", right); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.age)
				before := r.fake.Calls()
				tt.change(r.fake)
				p, err := r.login(t.Context(), "alice", tt.password)
				id := p.ID
				if tt.want != "" {
					wantReason(t, err, tt.want)
					if refusal, ok := errors.AsType[*identity.AccountError](err); ok {
						id = refusal.ID
					}
					if retry, ok := errors.AsType[*identity.RetryError](err); ok {
						id = retry.ID
					}
				} else if err != nil {
					t.Errorf("login: %v", err)
				}
				if tt.want != identity.ReasonNotFound && id != tt.wantID {
					t.Errorf("answer about %q, want %q", id, tt.wantID)
				}
				after := r.fake.Calls()
				if after.Find-before.Find != tt.find || after.Bind-before.Bind != tt.bind {
					t.Errorf("%d searches and %d binds, want %d and %d",
						after.Find-before.Find, after.Bind-before.Bind, tt.find, tt.bind)
				}
				if tt.want == identity.ReasonWrongPassword {
					r.fake.OnFind = nil
					_, err := r.login(t.Context(), "alice", tt.password)
					wantReason(t, err, identity.ReasonKnownWrongPassword)
				}
			})
		})
	}
}

// TestDatedMemoryAsksWhenThePasswordChanged: where the directory tells, a wrong password is remembered for long,
// and yet works within a minute or so after it became the right one.
func TestDatedMemoryAsksWhenThePasswordChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong, err := guard.NewWrongPasswords(guard.WrongPasswordsOptions{Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		u := alice()
		u.PasswordChanged = time.Now().Add(-time.Hour)
		r := newRoom(t, func(s *setup) {
			s.users, s.auth.WrongPasswords, s.cached.TTL = []directorytest.User{u}, wrong, time.Hour
		})
		_, err = r.login(t.Context(), "alice", "next password")
		wantReason(t, err, identity.ReasonWrongPassword)
		time.Sleep(10 * time.Minute)
		_, err = r.login(t.Context(), "alice", "next password")
		wantReason(t, err, identity.ReasonKnownWrongPassword)
		u.Password, u.PasswordChanged = "next password", time.Now()
		r.fake.Put(u)
		time.Sleep(2 * time.Minute)
		p, err := r.login(t.Context(), "alice", "next password")
		if err != nil || !p.PasswordChanged.Equal(u.PasswordChanged) {
			t.Errorf("login with the new password = %+v, %v", p, err)
		}
		if n := r.fake.Calls().Bind; n != 2 {
			t.Errorf("%d binds, want 2", n)
		}
	})
}

// TestUnprovenIsRefused: a Backend that says yes without a proof is not believed.
func TestUnprovenIsRefused(t *testing.T) {
	t.Parallel()
	fake := directorytest.NewFake(alice())
	auth, err := directory.New(directory.Options{Source: "corp", Backend: unproven{fake}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := auth.Authenticate(t.Context(), identity.Credentials{Username: "alice", Password: identity.NewSecret(right)})
	if err == nil || p.ID != "" {
		t.Errorf("login without a proof = %+v, %v, want an error", p, err)
	}
}

// unproven is a Backend that forgets its proofs.
type unproven struct{ *directorytest.Fake }

func (unproven) Prove(context.Context, directory.Entry, identity.Secret, guard.Attempts) (directory.Proof, error) {
	return directory.Proof{}, nil
}

// TestManyUsersInParallel: nobody gets another one's principal.
func TestManyUsersInParallel(t *testing.T) {
	t.Parallel()
	const users = 20
	r := newRoom(t, func(s *setup) {
		s.cached.Size, s.users = 7, nil
		for i := range users {
			n := strconv.Itoa(i)
			s.users = append(s.users, directorytest.User{
				Name: "user" + n, Password: "pw" + n, Groups: []identity.Group{identity.NewGroup("g"+n, "cn=g"+n+",dc=x", "g"+n)},
			})
		}
	})
	var good atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 * users {
		wg.Go(func() {
			n := strconv.Itoa(i % users)
			p, err := r.login(t.Context(), "user"+n, "pw"+n)
			if err != nil || p.ID != "id-user"+n || p.Groups[0].Name != "g"+n {
				t.Errorf("login of user%s = %+v, %v", n, p, err)
				return
			}
			good.Add(1)
			if _, err := r.login(t.Context(), "user"+n, "pw"+strconv.Itoa((i+1)%users)); err == nil {
				t.Errorf("user%s logged in with another one's password", n)
			}
		})
	}
	wg.Wait()
	if good.Load() != 8*users {
		t.Errorf("%d logins, want %d", good.Load(), 8*users)
	}
}
