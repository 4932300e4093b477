package gate

import (
	"errors"
	"fmt"
	"sync"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/policy/names"
)

// guards are what is known of failed binds, of proven passwords and of whose login names are. They outlive every core:
// a reload must neither give strangers another budget nor forget who belongs here.
type guards struct {
	failures *guard.Memory
	names    *names.Memory // nil where nobody logs in
	evicted  func(directory string)

	mu         sync.Mutex
	admissions map[string]*guard.Admissions // by directory, so that a large one pushes nobody out of a small one
}

// newGuards makes guards that know nothing yet. Evicted is told when a proven password of a directory was dropped to
// make room.
func newGuards(evicted func(directory string)) (*guards, error) {
	failures, err := guard.NewMemory(guard.MemoryOptions{})
	if err != nil {
		return nil, fmt.Errorf("guards: %w", err)
	}
	return &guards{failures: failures, evicted: evicted, admissions: make(map[string]*guard.Admissions)}, nil
}

// admissionsOf gives the proven passwords of a directory.
func (g *guards) admissionsOf(directory string) (*guard.Admissions, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.admissions[directory]; ok {
		return a, nil
	}
	a, err := guard.NewAdmissions(guard.AdmissionsOptions{Evicted: func() { g.evicted(directory) }})
	if err != nil {
		return nil, fmt.Errorf("guards: %w", err)
	}
	g.admissions[directory] = a
	return a, nil
}

// newAddresses makes the limit of failures of a client address, which is one for all directories.
func newAddresses(cfg config.Config) (*guard.Addresses, error) {
	return guard.NewAddresses(guard.AddressesOptions{
		Max: cfg.FailedLogins.Max, Window: cfg.FailedLogins.Window, Exempt: cfg.FailedLogins.Exempt,
	})
}

// protect gives a login flow what protects the accounts of its directory.
func (g *guards) protect(o *directory.Options, cfg config.Config, d config.Directory) error {
	var errs [4]error
	limits := limitsOf(cfg, d)
	o.ProvenFor, o.ProvenIfDown = d.ProvenFor, d.ProvenIfDown
	o.Budget, errs[0] = guard.NewBudget(guard.BudgetOptions{Counter: g.failures, Limits: limits})
	o.Strangers, errs[1] = guard.NewStrangers(guard.StrangersOptions{Limits: limits})
	o.Admissions, errs[2] = g.admissionsOf(d.Name)
	// Half of the connections are for those who were here before.
	o.Unproven, errs[3] = guard.NewShare(max(d.BindConnections.Max/2, 1), cfg.Limits.Queue)
	return errors.Join(errs[:]...)
}

// limitsOf gives what the configuration says about failed binds at a directory.
func limitsOf(cfg config.Config, d config.Directory) guard.Limits {
	l := guard.Limits{Max: d.FailedBinds.Max, Window: d.FailedBinds.Window}
	if l.Max == 0 {
		l.Max = cfg.FailedBinds.Max
	}
	if l.Window == 0 {
		l.Window = cfg.FailedBinds.Window
	}
	return l
}
