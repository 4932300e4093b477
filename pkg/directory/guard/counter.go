package guard

import (
	"context"
	"math"
	"time"
)

// Unbounded as the limit of a reservation counts the bind and never refuses it.
const Unbounded = math.MaxInt

// Slot is one reservation that a [Counter] gave out.
type Slot struct {
	// Key is the account that it was reserved for.
	Key string
	// ID tells it from the account's other slots.
	ID uint64
	// Open is how many slots of the account are reserved and not settled, this one included; Kept is how many failed
	// and count.
	Open, Kept int
	// Last is when the last of them failed that count; zero if none does.
	Last time.Time
}

// A Counter counts the failed binds of accounts, in this process or shared by several. It is the seam for
// the failed-bind budget. Implementations are safe for concurrent use.
type Counter interface {
	// Reserve takes one of at most limit.Max slots that the account has in a window. No slot left is an error
	// that matches identity.ErrThrottled. A limit of Unbounded always gets a slot.
	Reserve(ctx context.Context, key string, limit Limit) (Slot, error)
	// Settle ends a reservation: OK clears the account, NotSent gives the slot back, everything else keeps it.
	Settle(ctx context.Context, s Slot, o Outcome) error
}

// A Forgetter is a [Counter] that can end what it counts for one account.
type Forgetter interface {
	// Forget ends what is counted under the key, and says how many failures that were.
	Forget(key string) (forgotten int)
}

// Unlimited is a [Counter] that never refuses and counts nothing. It stands where no budget is configured.
type Unlimited struct{}

var _ Counter = Unlimited{}

// Reserve always gives a slot.
func (Unlimited) Reserve(_ context.Context, key string, _ Limit) (Slot, error) {
	return Slot{Key: key}, nil
}

// Settle does nothing.
func (Unlimited) Settle(context.Context, Slot, Outcome) error { return nil }
