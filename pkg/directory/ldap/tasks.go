package ldap

import (
	"context"
	"sync"
	"time"
)

// tasks owns the goroutines that outlive the call that started them.
type tasks struct {
	mu      sync.Mutex
	ended   bool
	wg      sync.WaitGroup
	next    uint64
	cancels map[uint64]context.CancelFunc
}

// start runs f in a goroutine with a context of its own, which ends after limit or with the Backend. It
// reports false, and does nothing, when the Backend has ended.
func (t *tasks) start(ctx context.Context, limit time.Duration, f func(context.Context)) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		cancel()
		return false
	}
	if t.cancels == nil {
		t.cancels = map[uint64]context.CancelFunc{}
	}
	id := t.next
	t.next++
	t.cancels[id] = cancel
	t.wg.Go(func() {
		defer t.done(id)
		f(ctx)
	})
	return true
}

// done forgets a goroutine and frees its context.
func (t *tasks) done(id uint64) {
	t.mu.Lock()
	cancel := t.cancels[id]
	delete(t.cancels, id)
	t.mu.Unlock()
	cancel()
}

// end cancels every goroutine and refuses new ones.
func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	for _, cancel := range t.cancels {
		cancel()
	}
}

// wait waits until every goroutine has returned. It is called after end.
func (t *tasks) wait() { t.wg.Wait() }
