package gate

import (
	"errors"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

// guards are what is known of failed binds and of proven passwords. They outlive every core: a reload must neither
// give strangers another budget nor forget who belongs here.
type guards struct {
	failures   *guard.Memory
	admissions *guard.Admissions
}

// newGuards makes guards that know nothing yet. Evicted is told when a proven password was dropped to make room; it may
// be nil.
func newGuards(evicted func()) (*guards, error) {
	failures, errFailures := guard.NewMemory(guard.MemoryOptions{})
	admissions, errAdmissions := guard.NewAdmissions(guard.AdmissionsOptions{Evicted: evicted})
	if err := errors.Join(errFailures, errAdmissions); err != nil {
		return nil, fmt.Errorf("guards: %w", err)
	}
	return &guards{failures: failures, admissions: admissions}, nil
}

// protect gives a login flow what protects the accounts of its directory.
func (g *guards) protect(o *directory.Options, cfg config.Config, d config.Directory) error {
	var errs [4]error
	o.Budget, errs[0] = guard.NewBudget(guard.BudgetOptions{
		Counter: g.failures, Limit: cfg.FailedBinds.Max, Window: cfg.FailedBinds.Window,
	})
	o.Strangers, errs[1] = guard.NewStrangers(guard.StrangersOptions{
		Limit: cfg.FailedBinds.Max, Window: cfg.FailedBinds.Window,
	})
	o.Addresses, errs[2] = guard.NewAddresses(guard.AddressesOptions{
		Max: cfg.FailedLogins.Max, Window: cfg.FailedLogins.Window, Exempt: cfg.FailedLogins.Exempt,
	})
	// Half of the connections are for those who were here before.
	o.Unproven, errs[3] = guard.NewShare(max(d.BindConnections.Max/2, 1), cfg.Limits.Queue)
	o.Admissions = g.admissions
	return errors.Join(errs[:]...)
}
