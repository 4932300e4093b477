package directory

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// recognize sees whether a bind has proven the password before. If not, the client's address must not have failed
// too often.
func (a *Authenticator) recognize(q *question) error {
	if q.admission = a.recollect(*q); q.admission.Valid {
		a.observer.cache(a.source, admissionCache, hitResult)
		return nil
	}
	a.observer.cache(a.source, admissionCache, missResult)
	return a.addresses.Allow(q.Client)
}

// recollect says what is known of the password of a question at its entry.
func (a *Authenticator) recollect(q question) guard.Admission {
	return a.admissions.Recall(a.source, q.entry.ID, q.Password, q.entry.PasswordChanged)
}

// notFound is the answer where a name has no account: what an account with a wrong password would be answered with. It
// takes the same way, but for the bind. An error that says something else stays what it is.
func (a *Authenticator) notFound(ctx context.Context, c identity.Credentials, no error) error {
	if a.strangers == nil || !refused(no, identity.ReasonNotFound) && !refused(no, identity.ReasonAmbiguous) {
		return no
	}
	s := a.strangers.Meet(a.source, c.Username, c.Password)
	if a.strangers.Known(s) {
		return no
	}
	if err := a.addresses.Allow(c.Client); err != nil {
		return err
	}
	_, err := a.binds.Do(ctx, s.Fingerprint(), func(ctx context.Context) (proven, error) {
		return proven{}, a.turnAway(ctx, s, c.Client, no)
	})
	return err
}

// turnAway refuses a password at a name without an account, once for everybody who asks the same.
func (a *Authenticator) turnAway(ctx context.Context, s guard.Stranger, client netip.Addr, no error) error {
	if a.strangers.Known(s) {
		return no
	}
	t, err := a.unprovenTurn(ctx, a.strangers.Attempts(s, a.rule(ctx, Entry{})), client)
	if err != nil {
		return err
	}
	defer t.end()
	settle, err := t.Reserve(ctx)
	if err != nil {
		return err
	}
	settle(guard.Wrong)
	lasting := guard.Briefly
	if a.dated.Load() {
		lasting = guard.Long
	}
	a.strangers.Remember(s, lasting)
	return no
}

// rule is what the directory tells about locking an account.
func (a *Authenticator) rule(ctx context.Context, e Entry) guard.Lockout {
	if a.lockouts == nil {
		return guard.Lockout{}
	}
	return a.lockouts.Lockout(ctx, e)
}

// tell reports a refusal of the budget.
func (a *Authenticator) tell(err error) {
	if errors.Is(err, guard.ErrNoBudget) {
		a.observer.budgetRefused(a.source)
	}
}

// turn is the right to send one bind: everything that a password needs before is reserved, so that nobody waits for a
// connection only to be refused. It is the [guard.Attempts] of that bind.
type turn struct {
	attempts *guard.AccountAttempts
	reserved []func(guard.Outcome) // what the outcome is told to, whoever tells it
	leave    func()
	used     atomic.Bool
}

var _ guard.Attempts = (*turn)(nil)

// turn takes what the bind of a question needs. An admitted password needs nothing that strangers could use up.
func (a *Authenticator) turn(ctx context.Context, q question) (*turn, error) {
	if !q.admission.Valid {
		attempts := a.budget.Attempts(a.source, q.entry.ID, a.rule(ctx, q.entry), q.entry.Lockout.Seen)
		return a.unprovenTurn(ctx, attempts, q.Client)
	}
	t := &turn{attempts: a.budget.Admitted(a.source, q.entry.ID), leave: func() {}}
	t.used.Store(true)
	return t, nil
}

// unprovenTurn takes what the bind of a password needs that nothing speaks for.
func (a *Authenticator) unprovenTurn(ctx context.Context, attempts *guard.AccountAttempts, client netip.Addr) (*turn, error) {
	t := &turn{attempts: attempts, leave: func() {}}
	paid, err := a.addresses.Take(client)
	if err != nil {
		return nil, err
	}
	t.reserved = append(t.reserved, paid)
	slot, err := attempts.Reserve(ctx)
	if err != nil {
		a.tell(err)
		t.end()
		return nil, err
	}
	t.reserved = append(t.reserved, slot)
	leave, err := a.unproven.Take(ctx)
	if err != nil {
		t.end()
		return nil, fmt.Errorf("wait to bind: %w", err)
	}
	t.leave = leave
	return t, nil
}

// Reserve hands over what was reserved for the first bind; another one needs a slot of its own.
func (t *turn) Reserve(ctx context.Context) (settle func(guard.Outcome), err error) {
	if t.used.Swap(true) {
		return t.attempts.Reserve(ctx)
	}
	return t.settle, nil
}

// settle tells the outcome.
func (t *turn) settle(o guard.Outcome) {
	for _, told := range t.reserved {
		told(o)
	}
}

// end gives back what no bind has used.
func (t *turn) end() {
	if !t.used.Swap(true) {
		t.settle(guard.NotSent)
	}
	t.leave()
}
