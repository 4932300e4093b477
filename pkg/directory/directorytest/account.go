package directorytest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// sameGroups checks an account's groups by the normal form of their DNs.
func sameGroups(login string, a directory.Account, want []string) error {
	got := make([]string, 0, len(a.Groups))
	for _, g := range a.Groups {
		got = append(got, g.DNKey())
	}
	keys := make([]string, 0, len(want))
	for _, dn := range want {
		key, err := identity.NormalDN(dn)
		if err != nil {
			return fmt.Errorf("expected group %q: %w", dn, err)
		}
		keys = append(keys, key)
	}
	slices.Sort(got)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		return fmt.Errorf("groups of %q = %q, want %q", login, got, keys)
	}
	return nil
}

func readsAccount(ctx context.Context, h Harness) error {
	for _, account := range []Account{h.Known, h.Other} {
		e, p, err := h.prove(ctx, account.Logins[0], account.Password, &attempts{})
		if err != nil {
			return err
		}
		if err := h.hasGroups(ctx, account, e, p); err != nil {
			return err
		}
	}
	return nil
}

func readsAccountUnproven(ctx context.Context, h Harness) error {
	for _, account := range []Account{h.Known, h.Other} {
		e, err := h.find(ctx, account.Logins[0])
		if err != nil {
			return err
		}
		if err := h.hasGroups(ctx, account, e, directory.Proof{}); err != nil {
			return err
		}
	}
	return nil
}

// hasGroups reads an account and checks it.
func (h Harness) hasGroups(ctx context.Context, account Account, e directory.Entry, p directory.Proof) error {
	a, err := h.Backend.Account(ctx, e, p, 0)
	if err != nil {
		return fmt.Errorf("Account(%q): %w", e.DN, err)
	}
	if a.ReadAt.IsZero() || a.Stale {
		return fmt.Errorf("Account(%q): read at %v, stale %t, want a time and false", e.DN, a.ReadAt, a.Stale)
	}
	return sameGroups(account.Logins[0], a, account.Groups)
}

// refusesAccounts: an account that may not log in is refused by the bind or at the latest by its state.
func refusesAccounts(ctx context.Context, h Harness) error {
	for _, r := range h.Refused {
		a := &attempts{}
		e, p, err := h.prove(ctx, r.Login, r.Password, a)
		if err == nil {
			_, err = h.Backend.Account(ctx, e, p, 0)
		}
		if err := refusedFor("login of "+r.Login, err, r.Reason); err != nil {
			return err
		}
		if err := a.settledAs(guard.OK, guard.Refused, guard.Wrong); err != nil {
			return err
		}
	}
	return nil
}

// givesUp: whoever has no time left gets an error that is not a no.
func givesUp(ctx context.Context, h Harness) error {
	e, err := h.find(ctx, h.Known.Logins[0])
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return h.eachFails(ended, e, func(what string, err error) error {
		if err == nil || errors.Is(err, identity.ErrInvalidCredentials) {
			return fmt.Errorf("%s with an ended context: error %w, want one that is not a refusal", what, orNone(err))
		}
		return nil
	})
}

// saysUnavailable: a directory that is away is never a no, and comes back by itself.
func saysUnavailable(ctx context.Context, h Harness) error {
	if h.Down == nil || h.Up == nil {
		return nil
	}
	e, err := h.find(ctx, h.Known.Logins[0])
	if err != nil {
		return err
	}
	h.Down()
	err = h.eachFails(ctx, e, func(what string, err error) error {
		if !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrInvalidCredentials) {
			return fmt.Errorf("%s while the directory is away: error %w, want ErrUnavailable", what, orNone(err))
		}
		return nil
	})
	h.Up()
	return errors.Join(err, provesRight(ctx, h), readsAccount(ctx, h))
}

// eachFails asks every question and gives each error to judge. A slot that was taken must not be settled with
// an answer that nobody gave.
func (h Harness) eachFails(ctx context.Context, e directory.Entry, judge func(what string, err error) error) error {
	a := &attempts{}
	_, errFind := h.Backend.Find(ctx, h.Known.Logins[0], 0)
	_, errID := h.Backend.FindID(ctx, e.ID, 0)
	_, errProve := h.Backend.Prove(ctx, e, h.Known.Password, a)
	_, errAccount := h.Backend.Account(ctx, e, directory.Proof{}, 0)
	errs := []error{judge("Find", errFind), judge("FindID", errID), judge("Prove", errProve), judge("Account", errAccount)}
	if a.reserved > 0 {
		errs = append(errs, a.settledAs(guard.NotSent, guard.Unknown))
	}
	return errors.Join(errs...)
}
