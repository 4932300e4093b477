package server

import (
	"context"
	"errors"
	"sync/atomic"
)

var (
	// errBusy means that no more requests may wait.
	errBusy = errors.New("too many requests are waiting")
	// errTooLong means that a request waited for its turn until its time was over.
	errTooLong = errors.New("no turn within the time of the request")
)

// limiter bounds how many requests are worked on at once and how many more wait. Turns are given in the
// order of arrival: goroutines that wait to send on a channel are served first in, first out, and a slot
// that gets free goes to the first of them, not to a newcomer.
type limiter struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
}

// newLimiter makes a limiter; a queue below zero means that nobody waits.
func newLimiter(concurrency, queue int) *limiter {
	return &limiter{slots: make(chan struct{}, concurrency), queue: int64(max(queue, 0))}
}

// tryAcquire takes a slot if one is free.
func (l *limiter) tryAcquire() bool {
	select {
	case l.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// acquire waits for a slot until ctx ends, if there is room to wait.
func (l *limiter) acquire(ctx context.Context) error {
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.queue {
		return errBusy
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) { // the client did not wait
			return ctx.Err()
		}
		return errTooLong
	}
}

// release gives a slot back.
func (l *limiter) release() { <-l.slots }
