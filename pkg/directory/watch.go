package directory

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// A Watcher tells of changes in a directory as they happen.
type Watcher interface {
	// Watch calls changed for every change until ctx ends or the directory tells no more; then it says why. The first
	// call, with the zero Change, says that from now on every change is told; one that was made before may not be.
	Watch(ctx context.Context, changed func(Change)) error
}

// Change is what became different. The zero Change may concern every account: groups are nested, and who is in a group
// through others is not told.
type Change struct {
	// Account is the id of the one account that the change concerns; empty means any.
	Account string
}

// What observers call the changes.
const (
	// ChangedAccount is a change of one account.
	ChangedAccount = "account"
	// ChangedGroups is a change that may concern every account.
	ChangedGroups = "groups"
)

const (
	// firstPause and lastPause are how long a watch that broke is left alone.
	firstPause = time.Second
	lastPause  = 30 * time.Second
	// spreadOver is the time over which accounts are read again after a change of groups, so that not all are at once.
	spreadOver = time.Second
)

// Follow drops what is remembered when the directory tells that it has changed, until ctx ends. A watch that breaks is
// begun again; until then what is remembered lives as long as it would without one.
func (c *Cached) Follow(ctx context.Context, w Watcher) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		begun := false
		err := w.Watch(ctx, func(change Change) {
			if !begun {
				begun, pause = true, firstPause
				c.observer.watching(c.source, nil)
			}
			c.Changed(change)
		})
		if ctx.Err() != nil {
			c.observer.watching(c.source, ctx.Err())
			return
		}
		c.observer.watching(c.source, orDefault(err, errSilent))
		const jitter = 0.5
		t := time.NewTimer(pause + time.Duration(float64(pause)*jitter*c.random()))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Changed drops what is remembered of an account that has changed. After a change that may concern any account, the
// next login of each reads it again, within a second.
func (c *Cached) Changed(change Change) {
	if change.Account != "" {
		c.observer.changed(c.source, ChangedAccount)
		c.Forget(change.Account)
		return
	}
	c.observer.changed(c.source, ChangedGroups)
	c.forgotten.Add(1) // what is being read now may have been read before
	c.changes.note(c.now())
}

// changes are the latest changes that may concern any account. The zero changes are none.
type changes struct {
	mu     sync.Mutex // of note
	window atomic.Pointer[window]
	seed   maphash.Seed
}

// window is a time in which accounts become outdated, one after the other.
type window struct {
	settled time.Time // what was read before is outdated
	began   time.Time // what was read before latest becomes so within spreadOver of began
	latest  time.Time
}

// note takes a change. One that comes while a window is open does not prolong it: changes that never end must not keep
// an old answer alive.
func (c *changes) note(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := window{began: now, latest: now}
	if before := c.window.Load(); before != nil {
		w.settled = before.latest
		if now.Before(before.began.Add(spreadOver)) {
			w.began, w.settled = before.began, before.settled
		}
	}
	c.window.Store(&w)
}

// outdate reports whether what was read of an account so long ago may be from before a change.
func (c *changes) outdate(id string, now time.Time, age time.Duration) bool {
	w := c.window.Load()
	if w == nil {
		return false
	}
	read := now.Add(-age)
	share := time.Duration(maphash.String(c.seed, id) % uint64(spreadOver))
	return !read.After(w.settled) || !read.After(w.latest) && !now.Before(w.began.Add(share))
}
