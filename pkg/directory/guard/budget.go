package guard

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	// defaultLimit and defaultWindow are the failed binds of one account when nothing else is said.
	defaultLimit  = 3
	defaultWindow = 30 * time.Minute
	// settleTimeout bounds how long a settlement may take, as it holds up the answer of a bind.
	settleTimeout = time.Second
)

// BudgetOptions says how many failed binds an account has. The zero value counts nothing.
type BudgetOptions struct {
	// Counter counts; nil means [Unlimited].
	Counter Counter
	// Limit is how many binds of an account may fail in a window; zero means 3.
	Limit int
	// Window is how long a failed bind counts; zero means 30 minutes.
	Window time.Duration
	// Unsettled is told when a slot could not be settled and is therefore kept; it may be nil and must not
	// block.
	Unsettled func(error)
}

// Budget hands out [Attempts] for accounts. It is immutable and safe for concurrent use.
type Budget struct{ o BudgetOptions }

// NewBudget makes a Budget.
func NewBudget(o BudgetOptions) (*Budget, error) {
	if o.Limit < 0 || o.Window < 0 {
		return nil, fmt.Errorf("%w: %d failed binds in %v", ErrInvalidOptions, o.Limit, o.Window)
	}
	if o.Counter == nil {
		o.Counter = Unlimited{}
	}
	if o.Limit == 0 {
		o.Limit = defaultLimit
	}
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	if o.Unsettled == nil {
		o.Unsettled = func(error) {}
	}
	return &Budget{o: o}, nil
}

// Attempts binds the budget to the account that source and id name.
func (b *Budget) Attempts(source, id string) Attempts {
	if _, free := b.o.Counter.(Unlimited); free {
		return unlimitedAttempts{}
	}
	return accountAttempts{budget: b, source: source, id: id, limit: b.o.Limit}
}

// Admitted is like Attempts for a password that was proven before: its binds are counted and never refused.
func (b *Budget) Admitted(source, id string) Attempts {
	if _, free := b.o.Counter.(Unlimited); free {
		return unlimitedAttempts{}
	}
	return accountAttempts{budget: b, source: source, id: id, limit: Unbounded}
}

// AccountKey is the key under which a [Counter] counts an account. No two accounts share one.
func AccountKey(source, id string) string { return strconv.Quote(source) + "/" + id }

// accountAttempts reserves slots of one account.
type accountAttempts struct {
	budget     *Budget
	source, id string
	limit      int
}

// Reserve takes a slot of the account.
func (a accountAttempts) Reserve(ctx context.Context) (settle func(Outcome), err error) {
	o := a.budget.o
	slot, err := o.Counter.Reserve(ctx, AccountKey(a.source, a.id), a.limit, o.Window)
	if err != nil {
		return nil, fmt.Errorf("reserve a bind: %w", err)
	}
	settled := context.WithoutCancel(ctx)
	return func(outcome Outcome) {
		ctx, cancel := context.WithTimeout(settled, settleTimeout)
		defer cancel()
		if err := o.Counter.Settle(ctx, slot, outcome); err != nil {
			o.Unsettled(fmt.Errorf("settle a bind as %v: %w", outcome, err))
		}
	}, nil
}

// unlimitedAttempts reserves nothing.
type unlimitedAttempts struct{}

// Reserve always gives a slot.
func (unlimitedAttempts) Reserve(context.Context) (settle func(Outcome), err error) {
	return func(Outcome) {}, nil
}
