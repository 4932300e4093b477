package guard

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// settleTimeout bounds how long a settlement may take, as it holds up the answer of a bind.
const settleTimeout = time.Second

// BudgetOptions says how many failed binds an account has. The zero value counts nothing.
type BudgetOptions struct {
	// Counter counts; nil means [Unlimited].
	Counter Counter
	// Limits bounds how many binds of an account may fail; its zero value leaves it to the directory's rule.
	Limits Limits
	// Unsettled is told when a slot could not be settled and is therefore kept; it may be nil and must not
	// block.
	Unsettled func(error)
}

// Budget hands out [Attempts] for accounts. It is immutable and safe for concurrent use.
type Budget struct{ o BudgetOptions }

// NewBudget makes a Budget.
func NewBudget(o BudgetOptions) (*Budget, error) {
	if err := o.Limits.validate(); err != nil {
		return nil, err
	}
	if o.Counter == nil {
		o.Counter = Unlimited{}
	}
	if o.Unsettled == nil {
		o.Unsettled = func(error) {}
	}
	return &Budget{o: o}, nil
}

// Attempts binds the budget to the account that source and id name, whose directory has a rule and counts failures of
// its own.
func (b *Budget) Attempts(source, id string, rule Lockout, seen Seen) *AccountAttempts {
	limit := b.o.Limits.Under(rule).Seeing(seen, rule)
	return &AccountAttempts{budget: b, key: AccountKey(source, id), limit: limit, rule: rule}
}

// Admitted is like Attempts for a password that was proven before: its binds are counted and never refused.
func (b *Budget) Admitted(source, id string) *AccountAttempts {
	a := b.Attempts(source, id, Lockout{}, Seen{})
	a.limit.Max, a.limit.Ceiling = Unbounded, 0
	return a
}

// Forget ends what is counted for the account that source and id name, if the Counter can, and says how many failures
// that were.
func (b *Budget) Forget(source, id string) (forgotten int) {
	if f, ok := b.o.Counter.(Forgetter); ok {
		return f.Forget(AccountKey(source, id))
	}
	return 0
}

// AccountKey is the key under which a [Counter] counts an account. No two accounts share one.
func AccountKey(source, id string) string { return strconv.Quote(source) + "/" + id }

// AccountAttempts reserves slots of one account for one password. It is made by a [Budget], and not for several
// goroutines at once.
type AccountAttempts struct {
	budget *Budget
	key    string
	limit  Limit
	rule   Lockout
	slot   Slot // the first one
}

var _ Attempts = (*AccountAttempts)(nil)

// Reserve takes a slot of the account.
func (a *AccountAttempts) Reserve(ctx context.Context) (settle func(Outcome), err error) {
	o := a.budget.o
	slot, err := o.Counter.Reserve(ctx, a.key, a.limit)
	if err != nil {
		return nil, fmt.Errorf("reserve a bind: %w", err)
	}
	if a.slot == (Slot{}) {
		a.slot = slot
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

// Last is when the last bind failed that counts for the slot that was reserved; zero if none does. What the directory
// shows must have been read after it.
func (a *AccountAttempts) Last() time.Time { return a.slot.Last }

// Leaves is an error that wraps [ErrNoBudget] if the bind of the slot that was reserved could be the one that locks
// the account, by what the directory itself counts. An account that is locked now is not harmed: the directory says so
// best. One whose lock has ended before its failures have is.
func (a *AccountAttempts) Leaves(seen Seen, now time.Time) error {
	most, counting := a.limit.Ceiling, seen.counting(a.rule, now)
	switch {
	case most <= 0 || counting <= 0:
		return nil
	case counting > most && !seen.locksAgain(a.rule, now):
		return nil
	case a.slot.Open+max(a.slot.Kept, counting) <= most:
		return nil
	}
	wait := a.limit.Window
	if a.rule.Window > 0 && !seen.Last.IsZero() {
		wait = seen.Last.Add(a.rule.Window).Sub(now)
	}
	return noBudget(wait)
}
