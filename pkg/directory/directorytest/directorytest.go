package directorytest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Harness is a Backend with the names of what is in its directory.
type Harness struct {
	// Backend is what is tested.
	Backend directory.Backend
	// Known and Other are two accounts that may log in, with different passwords. Known is in at least one
	// group.
	Known, Other Account
	// WrongPassword is neither's password.
	WrongPassword identity.Secret
	// Unknown is a login name without an entry.
	Unknown string
	// Ambiguous is a login name with more than one entry; empty leaves its case out.
	Ambiguous string
	// Refused are accounts that may not log in although the password is right; it may be empty.
	Refused []Refused
	// Down makes the directory unreachable, and Up makes it reachable again and returns once it is. Both are
	// nil where that cannot be shown.
	Down, Up func()
}

// Account is an account that may log in.
type Account struct {
	// Logins are the names by which it logs in; at least one.
	Logins []string
	// Password is its password.
	Password identity.Secret
	// Name is its canonical login name.
	Name string
	// Groups are the DNs of all its groups, nested ones included, in any order and any equal form.
	Groups []string
}

// Refused is an account that may not log in although the password is right.
type Refused struct {
	// Login and Password are its name and its right password.
	Login    string
	Password identity.Secret
	// Reason is the reason that is expected.
	Reason identity.Reason
}

// check is one thing that every Backend must do.
type check struct {
	name string
	run  func(ctx context.Context, h Harness) error
}

// checks lists them. The last one takes the directory away for a while.
func checks() []check {
	return []check{
		{"find/entry", findsEntry},
		{"find/every login is the same entry", findsEveryLogin},
		{"find/unknown", refusesUnknown},
		{"find/ambiguous", refusesAmbiguous},
		{"find/names are literal", findsLiterally},
		{"find/by id", findsByID},
		{"find/by an id that nobody has", refusesUnknownID},
		{"prove/right", provesRight},
		{"prove/wrong", refusesWrong},
		{"prove/another account's password", refusesOthers},
		{"prove/empty", refusesEmpty},
		{"prove/no slot", sendsNothingWithoutSlot},
		{"prove/in parallel", provesInParallel},
		{"account/after a proof", readsAccount},
		{"account/without a proof", readsAccountUnproven},
		{"account/refused", refusesAccounts},
		{"ended context", givesUp},
		{"directory away", saysUnavailable},
	}
}

// Run tests the harness's Backend. It does not run in parallel with itself.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t.Context(), h); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check returns everything that [Run] would report.
func Check(ctx context.Context, h Harness) error {
	var errs []error
	for _, c := range checks() {
		if err := c.run(ctx, h); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// refusedFor checks that err is a refusal with the reason.
func refusedFor(what string, err error, reason identity.Reason) error {
	refusal, ok := errors.AsType[*identity.AccountError](err)
	if !ok || refusal.Reason != reason {
		return fmt.Errorf("%s: error %w, want an AccountError %q", what, orNone(err), reason)
	}
	return nil
}

// errNone stands for no error in a fault.
var errNone = errors.New("none")

// orNone gives an error that can be printed.
func orNone(err error) error {
	if err == nil {
		return errNone
	}
	return err
}
