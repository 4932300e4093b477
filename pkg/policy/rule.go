package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// ErrInvalidRule means that a rule handed to [New] is not complete. A reader of a policy language reports
// such faults itself, with positions, before it calls New.
var ErrInvalidRule = errors.New("invalid rule")

// Effect says whether a rule gives or takes away. The zero Effect is Can.
type Effect uint8

// The effects.
const (
	// Can gives its actions.
	Can Effect = iota
	// Cannot takes its actions away, whatever any other rule gives.
	Cannot
)

// String gives the word of the language.
func (e Effect) String() string {
	if e == Cannot {
		return "cannot"
	}
	return "can"
}

// Position is where a rule stands in its source.
type Position struct {
	// File is the name that the source was loaded under.
	File string
	// Line and Column count from one; the column counts characters.
	Line, Column int
}

// String gives file:line, as logs and the audit record name a rule.
func (p Position) String() string { return p.File + ":" + strconv.Itoa(p.Line) }

// Rule is one sentence of a policy. After it was given to [New] it is immutable; those that a [Policy] or a
// [Decision] hands out are shared and must not be changed.
type Rule struct {
	// Position is where the rule begins.
	Position Position
	// Number counts the rules of a policy from one, in the order of the source; New sets it.
	Number int
	// Who lists whom it speaks about; one of them is enough.
	Who []Subject
	// Except lists whom it does not speak about although Who names them. A hole that Who has, too, must have
	// taken the same value there.
	Except []Subject
	// Effect is can or cannot.
	Effect Effect
	// Actions are the actions as written: Pull, Push, Delete and Catalog, without what they include.
	Actions registry.Actions
	// Everything is true when the word "everything" was written.
	Everything bool
	// Repos are the patterns of the repositories; empty only for a rule about the catalog alone.
	Repos []Pattern
	// On are the service names of the registries that it is about; empty means all.
	On []string
	// From are the networks that the client must be in one of; empty means anywhere.
	From []netip.Prefix
	// Since is when it begins, Until the first moment at which it no longer applies; zero means no bound.
	Since, Until time.Time
	// Note is free text that the rule carries.
	Note string

	// effective are the repository actions with what they include (can) or what depends on them (cannot).
	effective   registry.Actions
	catalog     bool
	conditional bool
	cases       []*clause // who x repos, for repository scopes
	lists       []*clause // who, for the catalog
}

// compile works out what a rule means.
func (r *Rule) compile(number int) error {
	r.Number, r.conditional = number, r.isConditional()
	if len(r.Who) == 0 || r.Actions == 0 && !r.Everything {
		return fmt.Errorf("%w: rule %d (%s) says nothing", ErrInvalidRule, number, r.Position)
	}
	actions := r.Actions & (registry.RepositoryActions | registry.Catalog)
	if r.Everything {
		actions |= registry.RepositoryActions
		if len(r.Repos) == 1 && r.Repos[0].isEverywhere() {
			actions |= registry.Catalog
		}
	}
	r.catalog = actions.Has(registry.Catalog)
	r.effective = closure(r.Effect, actions&registry.RepositoryActions)
	if r.effective != 0 && len(r.Repos) == 0 {
		return fmt.Errorf("%w: rule %d (%s) names no repositories", ErrInvalidRule, number, r.Position)
	}
	r.Except = closing(r.Except, r.Effect == Can)
	r.Who = closing(r.Who, r.Effect == Cannot)
	for i := range r.Who {
		if err := r.addClauses(&r.Who[i]); err != nil {
			return err
		}
	}
	return nil
}

// closing gives subjects that take away or do not; those that are so already as they are, others as a copy.
func closing(all []Subject, closes bool) []Subject {
	if !slices.ContainsFunc(all, func(s Subject) bool { return s.closes != closes }) {
		return all
	}
	all = slices.Clone(all)
	for i := range all {
		all[i].closes = closes
	}
	return all
}

// addClauses adds a clause for each pattern and, where it is about the catalog, one for that.
func (r *Rule) addClauses(s *Subject) error {
	exceptions := r.exceptions(s)
	if r.catalog {
		c := newClause(r, s)
		c.exceptions = exceptions
		r.lists = append(r.lists, c)
	}
	if r.effective == 0 {
		return nil
	}
	for i := range r.Repos {
		c := newClause(r, s)
		c.pattern, c.actions, c.exceptions = &r.Repos[i], r.effective, exceptions
		if err := c.bind(); err != nil {
			return fmt.Errorf("%w: rule %d (%s): %w", ErrInvalidRule, r.Number, r.Position, err)
		}
		r.cases = append(r.cases, c)
	}
	return nil
}

// closure adds what the actions include: whoever can push or delete can pull, and whoever cannot pull can
// neither push nor delete.
func closure(e Effect, a registry.Actions) registry.Actions {
	switch {
	case e == Can && a&(registry.Push|registry.Delete) != 0:
		return a | registry.Pull
	case e == Cannot && a&registry.Pull != 0:
		return a | registry.Push | registry.Delete
	default:
		return a
	}
}
