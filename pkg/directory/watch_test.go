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

// watcher is a directory that tells what a test says, until the test breaks it.
type watcher struct {
	begun   chan func(directory.Change)
	trouble chan error
}

func newWatcher() *watcher {
	return &watcher{begun: make(chan func(directory.Change)), trouble: make(chan error)}
}

// Watch lets the test tell changes.
func (w *watcher) Watch(ctx context.Context, changed func(directory.Change)) error {
	select {
	case w.begun <- changed:
	case err := <-w.trouble:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.trouble:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watched is a room whose directory is followed until the test ends.
func watched(t *testing.T, edits ...func(*setup)) (*room, *watcher) {
	t.Helper()
	r, w := newRoom(t, append(edits, func(s *setup) { s.cached.TTL = time.Hour })...), newWatcher()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.cached.Follow(ctx, w)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return r, w
}

// groups logs alice in and gives the names of her groups.
func (r *room) groups(t *testing.T, name string) string {
	t.Helper()
	p, err := r.login(t.Context(), name, right)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, g := range p.Groups {
		names += g.Name
	}
	return names
}

// TestLDAP57_GroupChange: a change of groups shows within a second for every account, and not for all at once.
func TestLDAP57_GroupChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const people = 40
		name := func(i int) string { return "user-" + strconv.Itoa(i) }
		user := func(i int, group string) directorytest.User {
			return directorytest.User{Name: name(i), Password: right, Groups: []identity.Group{identity.NewGroup(group, "cn="+group+",dc=x", group)}}
		}
		r, w := watched(t, func(s *setup) {
			for i := range people {
				s.users = append(s.users, user(i, "before"))
			}
		})
		changed := <-w.begun
		changed(directory.Change{})
		time.Sleep(3 * time.Second)
		for i := range people {
			if got := r.groups(t, name(i)); got != "before" {
				t.Fatalf("groups = %q", got)
			}
			r.fake.Put(user(i, "after"))
		}
		time.Sleep(time.Minute)
		changed(directory.Change{})
		seen := map[string]int{}
		for i := range people {
			seen[r.groups(t, name(i))]++
		}
		if seen["before"] < people/2 {
			t.Errorf("at once %v see the change, want few", seen)
		}
		time.Sleep(time.Second)
		for i := range people {
			if got := r.groups(t, name(i)); got != "after" {
				t.Errorf("1 s later groups of %s = %q, want the new ones", name(i), got)
			}
		}
		reads := r.fake.Calls().Account
		time.Sleep(time.Minute)
		for i := range people {
			r.groups(t, name(i))
		}
		if got := r.fake.Calls().Account; got != reads {
			t.Errorf("%d accounts were read again without a change", got-reads)
		}
	})
}

// TestChangesThatNeverEnd: one change after the other keeps no answer alive for longer than one does.
func TestChangesThatNeverEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := watched(t)
		changed := <-w.begun
		changed(directory.Change{})
		time.Sleep(3 * time.Second)
		r.groups(t, "alice")
		u := alice()
		u.ID, u.Groups = "id-alice", nil
		r.fake.Put(u)
		for range 20 { // two seconds of changes
			changed(directory.Change{})
			time.Sleep(100 * time.Millisecond)
		}
		if got := r.groups(t, "alice"); got != "" {
			t.Errorf("groups = %q, want none any more", got)
		}
	})
}

// TestLDAP57_AccountChange: a change of one account shows at its next login, and no other one is read again.
func TestLDAP57_AccountChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := watched(t, func(s *setup) { s.users = append(s.users, directorytest.User{Name: "bob", Password: right}) })
		changed := <-w.begun
		changed(directory.Change{})
		time.Sleep(3 * time.Second)
		r.groups(t, "alice")
		r.groups(t, "bob")
		before := r.fake.Calls()
		u := alice()
		u.ID, u.Refused = "id-alice", identity.ReasonDisabled
		r.fake.Put(u)
		changed(directory.Change{Account: "id-alice"})
		_, err := r.login(t.Context(), "alice", right)
		wantReason(t, err, identity.ReasonDisabled)
		r.groups(t, "bob")
		if got := r.fake.Calls(); got.Account > before.Account+1 || got.Find != before.Find+1 {
			t.Errorf("asked %+v, before %+v, want alice read once", got, before)
		}
		if r.heard("changed corp account") != 1 || r.heard("changed corp groups") != 1 {
			t.Errorf("told %v", r.told)
		}
	})
}

// TestLDAP57_ReadBeforeTheChange: what was being read when the change came is not remembered.
func TestLDAP57_ReadBeforeTheChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := watched(t)
		changed := <-w.begun
		changed(directory.Change{})
		reading, goOn := make(chan struct{}, 1), make(chan struct{})
		r.fake.OnAccount = func(context.Context, directory.Entry) error {
			select {
			case reading <- struct{}{}:
				<-goOn
			default:
			}
			return nil
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = r.login(t.Context(), "alice", right)
		}()
		<-reading
		changed(directory.Change{})
		close(goOn)
		<-done
		before := r.fake.Calls().Account
		r.groups(t, "alice")
		if got := r.fake.Calls().Account; got != before+1 {
			t.Errorf("%d reads after the change, want 1", got-before)
		}
	})
}

// TestWatchThatBreaks: it is told, it is begun again with pauses, and what changed meanwhile is not missed.
func TestWatchThatBreaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := watched(t)
		broken := errors.New("connection reset")
		start := time.Now()
		for range 10 {
			w.trouble <- broken
		}
		if took := time.Since(start); took < time.Minute {
			t.Errorf("10 tries in %v, want pauses", took)
		}
		changed := <-w.begun
		changed(directory.Change{})
		time.Sleep(3 * time.Second)
		r.groups(t, "alice")
		w.trouble <- broken
		u := alice()
		u.ID, u.Groups = "id-alice", nil
		r.fake.Put(u)
		if got := r.groups(t, "alice"); got != "devs" {
			t.Errorf("while the watch is broken groups = %q, want those that are remembered", got)
		}
		start = time.Now()
		changed = <-w.begun
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("begun again after %v, want soon: it worked before", took)
		}
		changed(directory.Change{})
		time.Sleep(2 * time.Second)
		if got := r.groups(t, "alice"); got != "" {
			t.Errorf("groups = %q, want what changed while nobody watched", got)
		}
		if r.heard("watching corp connection reset") != 11 || r.heard("watching corp") != 2 {
			t.Errorf("told %v", r.told)
		}
	})
}

// TestChangesAtTheLastMoment: an answer from before a change, which comes in while the change is told, is not remembered.
func TestChangesAtTheLastMoment(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]directory.Change{"of the account": {Account: "id-alice"}, "of groups": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock time.Duration
			var told func()
			r := newRoom(t, func(s *setup) {
				s.cached.Now = func() time.Time { // is asked when something is put into a memory
					if tell := told; tell != nil {
						told = nil
						tell()
					}
					clock += time.Millisecond
					return time.Unix(0, 0).Add(clock)
				}
			})
			e, err := r.cached.Find(t.Context(), "alice", directory.AnyAge)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				r.fake.OnAccount = func(context.Context, directory.Entry) error {
					told = func() { r.cached.Changed(change) }
					return nil
				}
				if _, err := r.cached.Account(t.Context(), e, directory.Proof{}, directory.AnyAge); err != nil {
					t.Fatal(err)
				}
				r.fake.OnAccount, clock = nil, clock+time.Minute
				before := r.fake.Calls().Account
				if _, err := r.cached.Account(t.Context(), e, directory.Proof{}, directory.AnyAge); err != nil || r.fake.Calls().Account == before {
					t.Fatalf("after the change the directory was not asked again, %v", err)
				}
				r.cached.Forget("id-alice")
			}
		})
	}
}
