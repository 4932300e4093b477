package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNoAnswer means that the code which was to answer a question ended without an answer: it panicked or
// left its goroutine.
var ErrNoAnswer = errors.New("question ended without an answer")

// Orphans says what becomes of a question whose callers have all left. The zero Orphans is Cancel.
type Orphans uint8

// What becomes of a question without callers.
const (
	// Cancel ends the question's context.
	Cancel Orphans = iota
	// Finish lets it go on to its answer or its deadline; a caller who comes meanwhile joins it.
	Finish
)

// FlightOptions says how a [Flight] asks.
type FlightOptions struct {
	// Timeout is how long one question may take, whoever waits for it; it must be positive.
	Timeout time.Duration
	// Orphans says what becomes of a question whose callers have all left; the zero value cancels it.
	Orphans Orphans
}

// Flight lets callers who ask the same question at the same time share one answer. It is safe for concurrent
// use.
type Flight[K comparable, V any] struct {
	timeout time.Duration
	orphans Orphans
	running sync.WaitGroup

	mu    sync.Mutex
	calls map[K]*call[V]
}

// call is one question in flight. Value and err are written before done is closed; waiting is guarded by the
// Flight's mutex.
type call[V any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	value   V
	err     error
}

// Answer is what a question came to.
type Answer[V any] struct {
	// Value is the answer; the zero value beside an error.
	Value V
	// Shared is true when the question was already in flight for another caller.
	Shared bool
}

// NewFlight makes a Flight with no question in it.
func NewFlight[K comparable, V any](o FlightOptions) (*Flight[K, V], error) {
	if o.Timeout <= 0 {
		return nil, fmt.Errorf("%w: timeout %v", ErrInvalidOptions, o.Timeout)
	}
	return &Flight[K, V]{timeout: o.Timeout, orphans: o.Orphans, calls: make(map[K]*call[V])}, nil
}

// Do returns the answer to the question that key names: of the flight that is under way, or else of ask, which
// is run under a context that has the values of ctx, the Flight's own deadline, and no tie to any caller. When
// ctx ends first, Do returns its error and the others wait on. A panic in ask is [ErrNoAnswer] for all.
func (f *Flight[K, V]) Do(ctx context.Context, key K, ask func(context.Context) (V, error)) (Answer[V], error) {
	if err := ctx.Err(); err != nil {
		return Answer[V]{}, err
	}
	f.mu.Lock()
	c, shared := f.calls[key]
	if !shared {
		c = f.start(ctx, key, ask)
	}
	c.waiting++
	f.mu.Unlock()

	select {
	case <-c.done:
		return Answer[V]{Value: c.value, Shared: shared}, c.err
	case <-ctx.Done():
		f.leave(key, c)
		return Answer[V]{Shared: shared}, ctx.Err()
	}
}

// Wait returns when no question is in flight any more. It is for the end, after the last call of Do.
func (f *Flight[K, V]) Wait() { f.running.Wait() }

// start puts a question into flight. The mutex is held.
func (f *Flight[K, V]) start(ctx context.Context, key K, ask func(context.Context) (V, error)) *call[V] {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.timeout)
	c := &call[V]{done: make(chan struct{}), cancel: cancel, err: ErrNoAnswer}
	f.calls[key] = c
	f.running.Add(1)
	go func() {
		defer cancel()
		f.run(own, key, c, ask)
	}()
	return c
}

// run asks, and hands the answer to everybody who waits. Until ask has returned, the answer is ErrNoAnswer.
func (f *Flight[K, V]) run(ctx context.Context, key K, c *call[V], ask func(context.Context) (V, error)) {
	defer f.running.Done()
	defer f.land(key, c)
	defer func() {
		if fault := recover(); fault != nil {
			c.err = fmt.Errorf("%w: panic: %v", ErrNoAnswer, fault)
		}
	}()
	c.value, c.err = ask(ctx)
}

// land takes a question out of flight.
func (f *Flight[K, V]) land(key K, c *call[V]) {
	f.mu.Lock()
	f.drop(key, c)
	f.mu.Unlock()
	close(c.done)
}

// leave is a caller who does not wait any longer.
func (f *Flight[K, V]) leave(key K, c *call[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.waiting--
	if c.waiting > 0 || f.orphans == Finish {
		return
	}
	f.drop(key, c) // nobody may join a question that is being canceled
	c.cancel()
}

// drop forgets a question, unless a newer one took its place. The mutex is held.
func (f *Flight[K, V]) drop(key K, c *call[V]) {
	if f.calls[key] == c {
		delete(f.calls, key)
	}
}
