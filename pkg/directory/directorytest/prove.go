package directorytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// parallelLogins is how many logins run at a time where they do.
const parallelLogins = 16

// attempts is a guard.Attempts that writes down what it is told.
type attempts struct {
	refuse error

	mu       sync.Mutex
	reserved int
	outcomes []guard.Outcome
}

// Reserve counts a slot.
func (a *attempts) Reserve(context.Context) (settle func(guard.Outcome), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reserved++
	if a.refuse != nil {
		return nil, a.refuse
	}
	return func(o guard.Outcome) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.outcomes = append(a.outcomes, o)
	}, nil
}

// settledAs checks that each slot was settled once, the last one with one of the outcomes.
func (a *attempts) settledAs(want ...guard.Outcome) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reserved == 0 || len(a.outcomes) != a.reserved {
		return fmt.Errorf("%d slots were reserved and %d settled, want as many and at least one", a.reserved, len(a.outcomes))
	}
	if last := a.outcomes[len(a.outcomes)-1]; !slices.Contains(want, last) {
		return fmt.Errorf("slot settled as %v, want one of %v", last, want)
	}
	return nil
}

// prove finds an entry and proves a password.
func (h Harness) prove(ctx context.Context, login string, s identity.Secret, a guard.Attempts) (directory.Entry, directory.Proof, error) {
	e, err := h.find(ctx, login)
	if err != nil {
		return e, directory.Proof{}, err
	}
	p, err := h.Backend.Prove(ctx, e, s, a)
	if err == nil && p.IsZero() {
		err = fmt.Errorf("Prove of %q: a zero proof and no error", login)
	}
	if err != nil && !p.IsZero() {
		err = fmt.Errorf("Prove of %q: a proof beside the error %w", login, err)
	}
	return e, p, err
}

func provesRight(ctx context.Context, h Harness) error {
	for _, account := range []Account{h.Known, h.Other} {
		a := &attempts{}
		if _, _, err := h.prove(ctx, account.Logins[0], account.Password, a); err != nil {
			return err
		}
		if err := a.settledAs(guard.OK); err != nil {
			return err
		}
	}
	return nil
}

func refusesWrong(ctx context.Context, h Harness) error {
	a := &attempts{}
	_, _, err := h.prove(ctx, h.Known.Logins[0], h.WrongPassword, a)
	if err := refusedFor("Prove of a wrong password", err, identity.ReasonWrongPassword); err != nil {
		return err
	}
	return a.settledAs(guard.Wrong)
}

func refusesOthers(ctx context.Context, h Harness) error {
	_, _, err := h.prove(ctx, h.Known.Logins[0], h.Other.Password, &attempts{})
	return refusedFor("Prove of another account's password", err, identity.ReasonWrongPassword)
}

func refusesEmpty(ctx context.Context, h Harness) error {
	a := &attempts{}
	_, _, err := h.prove(ctx, h.Known.Logins[0], identity.Secret{}, a)
	if !errors.Is(err, identity.ErrInvalidCredentials) {
		return fmt.Errorf("Prove of an empty password: error %w, want a refusal", orNone(err))
	}
	if a.reserved != 0 {
		return fmt.Errorf("Prove of an empty password reserved %d slots, want none", a.reserved)
	}
	return nil
}

func sendsNothingWithoutSlot(ctx context.Context, h Harness) error {
	a := &attempts{refuse: identity.ErrThrottled}
	_, _, err := h.prove(ctx, h.Known.Logins[0], h.Known.Password, a)
	if !errors.Is(err, identity.ErrThrottled) {
		return fmt.Errorf("Prove without a slot: error %w, want ErrThrottled", orNone(err))
	}
	if a.reserved != 1 || len(a.outcomes) != 0 {
		return fmt.Errorf("Prove without a slot: %d asked for, %d settled, want 1 and none", a.reserved, len(a.outcomes))
	}
	return nil
}

// provesInParallel: right and wrong passwords at one time do not take each other's answers.
func provesInParallel(ctx context.Context, h Harness) error {
	var wg sync.WaitGroup
	faults := make(chan error, parallelLogins)
	for i := range parallelLogins {
		wg.Go(func() {
			account, password := h.Known, h.Known.Password
			if i%2 == 1 {
				account, password = h.Other, h.Other.Password
			}
			wrong := i == parallelLogins-1
			if wrong {
				password = h.WrongPassword
			}
			_, _, err := h.prove(ctx, account.Logins[0], password, &attempts{})
			if wrong {
				err = refusedFor("wrong password among right ones", err, identity.ReasonWrongPassword)
			}
			faults <- err
		})
	}
	wg.Wait()
	close(faults)
	var errs []error
	for err := range faults {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
