package directory_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
)

// TestP35_LatecomersShareTheBind: a login that began before a bind of the same password was sent has its answer, also
// where it comes to the bind only afterwards. One that began later is bound.
func TestP35_LatecomersShareTheBind(t *testing.T) {
	t.Parallel()
	const bindSent, bindTakes, lateBy = 100 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond
	for name, test := range map[string]struct {
		begins time.Duration
		binds  int
	}{
		"began before":           {begins: 0, binds: 1},
		"began while it was out": {begins: bindSent + bindTakes/2, binds: 2},
		"began after its answer": {begins: bindSent + 2*bindTakes, binds: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t)
				r.fake.OnFind = func(_ context.Context, login string) error {
					if login == "alice" {
						<-time.After(bindSent)
					} else {
						<-time.After(lateBy)
					}
					return nil
				}
				r.fake.OnProve = func(context.Context, directory.Entry) error { <-time.After(bindTakes); return nil }
				var both sync.WaitGroup
				login := func(name string) {
					if p, err := r.login(t.Context(), name, right); err != nil || p.ID != "id-alice" {
						t.Errorf("login of %s = %+v, %v, want alice", name, p, err)
					}
				}
				both.Go(func() { login("alice") })
				both.Go(func() {
					<-time.After(test.begins)
					login("alice@example.org")
				})
				both.Wait()
				want := directorytest.Calls{Find: 2, Prove: test.binds, Bind: test.binds, Account: 1}
				if got := r.fake.Calls(); got != want {
					t.Errorf("two logins asked %+v, want %+v", got, want)
				}
			})
		})
	}
}
