package guard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// errShare means that the part of a pool which is open to everybody is in use.
var errShare = errors.New("too many passwords wait to be proven")

// Share bounds how many passwords that nothing speaks for are proven at once, so that they never take all of a
// directory's connections. Turns are given in the order of arrival. A nil Share has no bound. It is safe for
// concurrent use.
type Share struct {
	turns   chan struct{}
	waiting atomic.Int64
	queue   int64
}

// NewShare makes a Share of at least one turn at a time, with so many more who may wait.
func NewShare(turns, queue int) (*Share, error) {
	if turns < 1 || queue < 0 {
		return nil, fmt.Errorf("%w: %d turns, %d waiting", ErrInvalidOptions, turns, queue)
	}
	return &Share{turns: make(chan struct{}, turns), queue: int64(queue)}, nil
}

// Take waits for a turn, no longer than ctx lasts. The error is an [identity.RetryError] with the reason busy.
func (s *Share) Take(ctx context.Context) (leave func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	select {
	case s.turns <- struct{}{}:
		return s.leave, nil
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > s.queue {
		return nil, busy(errShare)
	}
	select { // who waits to send on a channel is served first in, first out
	case s.turns <- struct{}{}:
		return s.leave, nil
	case <-ctx.Done():
		return nil, busy(fmt.Errorf("%w: %w", errShare, ctx.Err()))
	}
}

// leave ends a turn.
func (s *Share) leave() { <-s.turns }

// busy is the refusal of a turn.
func busy(err error) error {
	return &identity.RetryError{Err: fmt.Errorf("%w: %w", identity.ErrUnavailable, err), Reason: identity.ReasonBusy}
}
