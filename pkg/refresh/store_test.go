package refresh_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

func TestP79_SurvivesARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.open(t, nil)
	r.want(t, token, "")
	info, err := os.Stat(filepath.Join(r.folder, journal))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
}

func TestP79_Revoke(t *testing.T) {
	t.Parallel()
	bob := identity.Principal{Kind: identity.Person, Source: source, ID: "id-2", Name: "bob", PasswordChanged: changed()}
	tests := map[string]struct {
		revoke     refresh.Revocation
		alice, bob bool // are refused
	}{
		"account":               {refresh.Revocation{Directory: source, ID: "id-1"}, true, false},
		"account of another":    {refresh.Revocation{Directory: "partner", ID: "id-1"}, false, false},
		"all":                   {refresh.Revocation{}, true, true},
		"all before them":       {refresh.Revocation{Before: time.Date(2026, 3, 1, 12, 29, 59, 0, time.UTC)}, false, false},
		"all of that time":      {refresh.Revocation{Before: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}, true, true},
		"account of that time":  {refresh.Revocation{Directory: source, ID: "id-2", Before: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}, false, true},
		"account before a time": {refresh.Revocation{Directory: source, ID: "id-1", Before: time.Date(2025, 3, 1, 12, 30, 0, 0, time.UTC)}, false, false},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			forAlice := r.issue(t)
			r.people.say(bob, nil)
			forBob, _, err := r.Issue(t.Context(), service, bob)
			if err != nil {
				t.Fatal(err)
			}
			r.pass(time.Second)
			if err := r.store.Revoke(c.revoke); err != nil {
				t.Fatal(err)
			}
			look := func(when string) {
				for _, x := range []struct {
					who     identity.Principal
					token   identity.Secret
					refused bool
				}{{alice(), forAlice, c.alice}, {bob, forBob, c.bob}} {
					r.people.say(x.who, nil)
					_, _, err := r.Redeem(t.Context(), service, x.token)
					if x.refused != (refusal(err) == identity.ReasonRefreshRevoked) || !x.refused && err != nil {
						t.Errorf("%s: Redeem of %s = %v, want refused %t", when, x.who.Name, err, x.refused)
					}
				}
			}
			look("at once")
			r.open(t, nil)
			look("after a restart")
			r.pass(time.Second)
			r.people.say(alice(), nil)
			r.want(t, r.issue(t), "")
		})
	}
}

func TestRevokeRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	before := r.file(t)
	for name, c := range map[string]struct {
		revoke refresh.Revocation
		want   error
	}{
		"no directory": {refresh.Revocation{ID: "x"}, refresh.ErrInvalidRevocation},
		"no id":        {refresh.Revocation{Directory: source}, refresh.ErrInvalidRevocation},
		"future":       {refresh.Revocation{Before: r.clock().Add(time.Second)}, refresh.ErrFuture},
	} {
		if err := r.store.Revoke(c.revoke); !errors.Is(err, c.want) {
			t.Errorf("%s: Revoke = %v, want %v", name, err, c.want)
		}
	}
	if !bytes.Equal(r.file(t), before) {
		t.Error("something was written")
	}
}

// TestRevokeAllReplacesTheKey: who has stolen the key can make no token that counts.
func TestRevokeAllReplacesTheKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	stolen := r.file(t)
	r.pass(time.Second)
	if err := r.store.Revoke(refresh.Revocation{}); err != nil {
		t.Fatal(err)
	}
	r.pass(time.Second)
	thief := newRig(t, nil)
	if err := os.WriteFile(filepath.Join(thief.folder, journal), stolen, 0o600); err != nil {
		t.Fatal(err)
	}
	thief.pass(2 * time.Second)
	thief.open(t, nil)
	r.want(t, thief.issue(t), identity.ReasonRefreshRevoked) // as if a clock that is ahead had dated it
	for _, p := range []*rig{r, thief} {
		p.pass(2 * time.Minute)
	}
	r.want(t, thief.issue(t), identity.ReasonRefreshForged)
}

// TestTornTail: what was cut off while it was written was told to nobody, and is written over.
func TestTornTail(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	path := filepath.Join(r.folder, journal)
	whole := r.file(t)
	r.pass(time.Second)
	if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-9"}); err != nil {
		t.Fatal(err)
	}
	all := r.file(t)
	for n := len(whole); n < len(all); n += 7 {
		if err := os.WriteFile(path, all[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		r.open(t, nil)
		r.want(t, token, "")
		if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-8"}); err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		r.open(t, nil)
		if got := bytes.Count(r.file(t), []byte("\n")); got != 2 {
			t.Fatalf("cut at %d: %d lines, want 2\n%s", n, got, r.file(t))
		}
	}
}

// TestDamaged: a file that was not written so is an error, and never an empty one.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string, data []byte) error{
		"garbage":       func(p string, _ []byte) error { return os.WriteFile(p, []byte("garbage\n"), 0o600) },
		"in the midst":  func(p string, d []byte) error { return os.WriteFile(p, append([]byte("{}\n"), d...), 0o600) },
		"unknown field": func(p string, d []byte) error { return os.WriteFile(p, append(d, `{"more":1}`+"\n"...), 0o600) },
		"key cut": func(p string, d []byte) error {
			return os.WriteFile(p, bytes.Replace(d, []byte(`"secret":"`), []byte(`"secret":"AA`), 1), 0o600)
		},
		"readable by all": func(p string, _ []byte) error { return os.Chmod(p, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			if err := damage(filepath.Join(r.folder, journal), r.file(t)); err != nil {
				t.Fatal(err)
			}
			if _, err := refresh.Open(refresh.StoreOptions{Folder: r.folder}); !errors.Is(err, refresh.ErrDamaged) {
				t.Errorf("Open = %v, want ErrDamaged", err)
			}
			if err := refresh.Check(r.folder); !errors.Is(err, refresh.ErrDamaged) && name != "key cut" {
				t.Errorf("Check = %v, want ErrDamaged", err)
			}
		})
	}
	if err := refresh.Check(t.TempDir()); err != nil {
		t.Errorf("Check of an empty folder = %v", err)
	}
	if _, err := refresh.Open(refresh.StoreOptions{}); !errors.Is(err, refresh.ErrInvalidOptions) {
		t.Errorf("Open of nothing = %v", err)
	}
}

// TestCompaction: what says nothing new any more is left out, and everything else stays.
func TestCompaction(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.pass(time.Second)
	for i := range 1000 {
		if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-" + strconv.Itoa(i%3)}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Millisecond)
	}
	if n := bytes.Count(r.file(t), []byte("\n")); n > 300 {
		t.Errorf("the file has %d lines", n)
	}
	r.want(t, token, identity.ReasonRefreshRevoked)
	r.open(t, nil)
	r.want(t, token, identity.ReasonRefreshRevoked)
	if n := r.store.Revocations(); n != 3 {
		t.Errorf("%d accounts are revoked, want 3", n)
	}
	if err := r.store.Revoke(refresh.Revocation{}); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		r.pass(time.Second)
		if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-1"}); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.store.Revocations(); n != 1 {
		t.Errorf("%d accounts are revoked, want 1: the others are among all", n)
	}
	r.want(t, token, identity.ReasonRefreshRevoked)
}

func TestIdle(t *testing.T) {
	t.Parallel()
	idle := func(o *refresh.Options) { o.Services[service] = refresh.Service{Idle: 24 * time.Hour} }
	r := newRig(t, idle)
	used, unused := r.issue(t), r.issue(t)
	for range 3 {
		r.pass(20 * time.Hour)
		r.want(t, used, "")
	}
	r.want(t, unused, identity.ReasonRefreshIdle)
	r.pass(26 * time.Hour)
	r.want(t, used, identity.ReasonRefreshIdle)
}

// running runs a store for a while of fake time, and ends it.
func running(t *testing.T, s *refresh.Store, while time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	time.Sleep(while)
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestIdleSurvivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		idle := func(o *refresh.Options) { o.Services[service] = refresh.Service{Idle: 24 * time.Hour} }
		r := newRig(t, idle)
		token := r.issue(t)
		r.pass(20 * time.Hour)
		r.want(t, token, "")
		running(t, r.store, time.Second)
		r.pass(20 * time.Hour)
		r.open(t, idle)
		r.want(t, token, "")
		if err := os.WriteFile(filepath.Join(r.folder, "refresh-tokens.used"), []byte("garbage\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.open(t, idle)
		r.want(t, token, identity.ReasonRefreshIdle) // not known when it was used
		if len(r.failed) != 1 || !errors.Is(r.failed[0], refresh.ErrDamaged) {
			t.Errorf("failed = %v, want the damaged file", r.failed)
		}
	})
}

// TestOtherProcesses: what one revokes, the other one follows.
func TestOtherProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token, tokens, store := r.issue(t), r.Tokens, r.store
		r.pass(time.Second)
		r.open(t, nil)
		if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-1"}); err != nil {
			t.Fatal(err)
		}
		running(t, store, 3*time.Second)
		if _, _, err := tokens.Redeem(t.Context(), service, token); refusal(err) != identity.ReasonRefreshRevoked {
			t.Errorf("Redeem = %v, want it to be revoked", err)
		}
	})
}

// TestRotation: a key is replaced after a month, opens what it has sealed, and is deleted when that has ended.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := func(o *refresh.Options) { o.Services[service] = refresh.Service{Lifetime: refresh.MaxLifetime} }
		r := newRig(t, long)
		first := r.store.KeySince()
		old := r.issue(t)
		month := 30 * 24 * time.Hour
		r.pass(month)
		running(t, r.store, 5*time.Second)
		if n := strings.Count(string(r.file(t)), `"key"`); n != 2 {
			t.Fatalf("%d keys, want 2", n)
		}
		r.want(t, r.issue(t), "") // the next one does not seal yet
		r.pass(time.Minute)
		if !r.store.KeySince().After(first) {
			t.Error("the next key does not seal")
		}
		r.want(t, old, "")
		r.want(t, r.issue(t), "")
		r.open(t, long)
		r.want(t, old, "")
		for range 14 {
			r.pass(month)
			running(t, r.store, 3*time.Second)
		}
		for range 300 { // until the file is written anew
			if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-7"}); err != nil {
				t.Fatal(err)
			}
		}
		r.open(t, long)
		r.want(t, old, identity.ReasonRefreshUnknownKey)
		if len(r.failed) > 0 {
			t.Errorf("failed: %v", r.failed)
		}
	})
}

// TestCannotBeWritten: a revocation that cannot be written is an error, and in force in this process.
func TestCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.pass(time.Second)
	path := filepath.Join(r.folder, journal)
	if err := errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-1"}); err == nil {
		t.Error("Revoke = nil")
	}
	r.want(t, token, identity.ReasonRefreshRevoked)
	r.pass(time.Second)
	token = r.issue(t)
	r.people.say(identity.Principal{}, &identity.AccountError{Reason: identity.ReasonDisabled})
	r.want(t, token, identity.ReasonDisabled)
	r.want(t, token, identity.ReasonRefreshRevoked)
	if len(r.failed) != 1 {
		t.Errorf("failed = %v, want one error", r.failed)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.pass(time.Second)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				if i%2 == 0 {
					_, _, _ = r.Redeem(t.Context(), service, token)
					continue
				}
				if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: strconv.Itoa(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	r.want(t, token, "")
	if n := r.store.Revocations(); n != 4 {
		t.Errorf("%d accounts, want 4", n)
	}
}

// TestRevokedWhereClocksDiffer: a revocation ends what a process with a clock ahead has made before it, and nothing that
// is made after it.
func TestRevokedWhereClocksDiffer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		revoke refresh.Revocation
		reason identity.Reason
	}{
		"account": {refresh.Revocation{Directory: source, ID: "id-1"}, identity.ReasonRefreshRevoked},
		"all":     {refresh.Revocation{}, identity.ReasonRefreshRevoked},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			for range 3 { // also of what was made just after a revocation
				r.pass(time.Minute)
				ahead := r.issue(t)
				r.pass(-time.Minute)
				r.want(t, ahead, "")
				if err := r.store.Revoke(c.revoke); err != nil {
					t.Fatal(err)
				}
				r.want(t, ahead, c.reason)
				r.open(t, nil)
				r.want(t, ahead, c.reason)
				after := r.issue(t)
				r.want(t, after, "")
				r.pass(-time.Minute) // the clock of another process
				r.want(t, after, "")
				r.pass(2 * time.Minute)
				r.want(t, ahead, c.reason)
				r.want(t, after, "")
			}
		})
	}
}

// TestRevokedToATimeJustAfterAnother: a revocation up to a time ends what was made just after an earlier one, and
// nothing that is made after it; one up to a time before the earlier one ends nothing more.
func TestRevokedToATimeJustAfterAnother(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]refresh.Revocation{"account": {Directory: source, ID: "id-1"}, "all": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			revoke := func(ago time.Duration) {
				t.Helper()
				r.pass(-ago)
				before := r.clock()
				r.pass(ago)
				if err := r.store.Revoke(refresh.Revocation{Directory: of.Directory, ID: of.ID, Before: before}); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.store.Revoke(of); err != nil {
				t.Fatal(err)
			}
			r.pass(time.Second)
			between := r.issue(t)
			revoke(2 * time.Minute)
			r.want(t, between, "")
			r.pass(2 * time.Second)
			revoke(time.Second)
			r.want(t, between, identity.ReasonRefreshRevoked)
			after := r.issue(t)
			r.want(t, after, "")
			r.pass(10 * time.Minute)
			r.want(t, after, "")
			r.want(t, between, identity.ReasonRefreshRevoked)
		})
	}
}

// TestEndedTwiceWithinAMinute: an account that is disabled, enabled and disabled again loses the tokens of between.
func TestEndedTwiceWithinAMinute(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 3 {
		token := r.issue(t)
		r.pass(time.Second)
		r.people.say(identity.Principal{}, &identity.AccountError{Reason: identity.ReasonDisabled})
		r.want(t, token, identity.ReasonDisabled)
		r.people.say(alice(), nil)
		r.want(t, token, identity.ReasonRefreshRevoked)
	}
}

// TestClockFarAhead: a clock that was far ahead for a while brings no revoked token back, and holds up no rotation.
func TestClockFarAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		revoked := r.issue(t)
		r.pass(time.Second)
		if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-1"}); err != nil {
			t.Fatal(err)
		}
		good := r.issue(t)
		const years = 40 * refresh.MaxLifetime
		r.pass(years)
		running(t, r.store, 3*time.Second)
		for range 600 { // until the file is written anew
			if err := r.store.Revoke(refresh.Revocation{Directory: source, ID: "id-7"}); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(-years)
		r.open(t, nil)
		r.want(t, good, "")
		r.want(t, revoked, identity.ReasonRefreshRevoked)
		before := r.store.KeySince()
		r.pass(31 * 24 * time.Hour)
		running(t, r.store, 10*time.Second)
		r.pass(2 * time.Minute)
		if !r.store.KeySince().After(before) {
			t.Error("no key takes over any more")
		}
		if n := strings.Count(string(r.file(t)), `"key"`); n != 3 {
			t.Errorf("%d keys, want 3: one of before, one of the wrong time, one of now", n)
		}
	})
}
