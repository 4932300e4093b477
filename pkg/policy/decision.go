package policy

import (
	"net/netip"
	"slices"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Request is one question to a policy: may this principal do this, on this registry.
type Request struct {
	// Principal is who asks; its zero value is anonymous.
	Principal identity.Principal
	// Service is the registry's service name.
	Service string
	// Scope is one parsed scope: what is asked for. An asked registry.Wildcard means every action that the
	// policy gives on the repository.
	Scope registry.Scope
	// Client is the client's address, invalid if unknown: then no can with a network applies, and every cannot.
	Client netip.Addr
	// Now is the time to decide for. It should be set: at the zero time no can with a date applies, and every
	// cannot.
	Now time.Time
}

// Reason is why a single action was granted or not. It is a closed set, used as a metric label.
type Reason string

// The reasons.
const (
	// ReasonRule means that a can rule granted it.
	ReasonRule Reason = "rule"
	// ReasonNoRule means that no can rule applies.
	ReasonNoRule Reason = "no_rule"
	// ReasonDeniedByRule means that a cannot rule took it away.
	ReasonDeniedByRule Reason = "denied_by_rule"
	// ReasonExpired means that no can rule applies, and one did until a moment ago or long ago.
	ReasonExpired Reason = "expired"
	// ReasonTooEarly means that no can rule applies, and one will.
	ReasonTooEarly Reason = "too_early"
	// ReasonWrongNetwork means that no can rule applies, and one would for another client address.
	ReasonWrongNetwork Reason = "wrong_network"
	// ReasonOtherRegistry means that no can rule applies, and one would on another registry.
	ReasonOtherRegistry Reason = "other_registry"
)

// Reasons lists every Reason.
func Reasons() []Reason {
	return []Reason{
		ReasonRule, ReasonNoRule, ReasonDeniedByRule, ReasonExpired, ReasonTooEarly, ReasonWrongNetwork, ReasonOtherRegistry,
	}
}

// Decision is the answer to one [Request].
type Decision struct {
	// Scope is what was asked.
	Scope registry.Scope
	// Granted is the part of what was asked that is granted; a Wildcard is replaced by explicit actions.
	Granted registry.Actions
	// Until is the moment at which some of what is granted ends by this policy: the nearest until of a can that
	// is needed for it, or since of a cannot that takes it away. It is zero where there is none.
	Until time.Time
	// grants and denies hold, an action each (pull, push, delete, catalog), the first rule in the file's
	// order that allows or forbids it; nil where none does.
	grants, denies [actionCount]*Rule
	// lacks holds, an action each, the nearest condition for want of which no rule gives it.
	lacks [actionCount]lack

	policy *Policy
}

// actionCount is the number of single actions that rules speak about.
const actionCount = 4

// Rules lists the distinct rules that decided about what was asked, in the order of the source: those that
// gave what is granted, and those that took away what was given.
func (d Decision) Rules() []*Rule {
	var rules []*Rule
	for i := range actionCount {
		if wanted(d.Scope)&action(i) == 0 || d.grants[i] == nil {
			continue
		}
		r := d.grants[i]
		if d.denies[i] != nil {
			r = d.denies[i]
		}
		if !slices.Contains(rules, r) {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b *Rule) int { return a.Number - b.Number })
	return rules
}

// Reason says why a single action is granted or not. For anything but a single action that was asked it is
// [ReasonNoRule].
func (d Decision) Reason(a registry.Actions) Reason {
	for i := range actionCount {
		switch {
		case a != action(i):
		case d.grants[i] == nil:
			return d.lacks[i].reason()
		case d.denies[i] != nil:
			return ReasonDeniedByRule
		default:
			return ReasonRule
		}
	}
	return ReasonNoRule
}

// Missing gives what was asked and is not granted. Who asked for [registry.Wildcard] misses something only
// where nothing at all is granted.
func (d Decision) Missing() registry.Actions {
	asked := d.Scope.Actions
	switch {
	case asked.Has(registry.Wildcard) && d.Granted != 0:
		return 0
	case asked.Has(registry.Wildcard):
		return wanted(d.Scope)
	default:
		return asked &^ d.Granted
	}
}

// MissingReason says why something is missing: [ReasonDeniedByRule] where a rule took any of it away, else the
// reason of the first action that has a better one than [ReasonNoRule]. It is empty where nothing is missing.
func (d Decision) MissingReason() Reason {
	missing := d.Missing()
	if missing == 0 && (d.Granted != 0 || d.Scope.Actions == 0) {
		return ""
	}
	found := ReasonNoRule
	for i := range actionCount {
		if missing&action(i) == 0 {
			continue
		}
		switch reason := d.Reason(action(i)); {
		case reason == ReasonDeniedByRule:
			return reason
		case found == ReasonNoRule:
			found = reason
		}
	}
	return found
}

// Groups lists the distinguished names of those groups of the principal through which a deciding rule
// applies. It matches those rules again, so it is for the record and not for the decision.
func (d Decision) Groups(who identity.Principal) []string {
	if d.policy == nil {
		return nil
	}
	q := query{policy: d.policy, principal: &who}
	q.prepare(d.Scope.Name)
	var names []string
	for _, r := range d.Rules() {
		for _, c := range r.clauses(d.Scope.Type) {
			for i := range who.Groups {
				g := &who.Groups[i]
				if !slices.Contains(names, g.DN) && c.verdict(&q, g) == applies {
					names = append(names, g.DN)
				}
			}
		}
	}
	return names
}

// clauses gives the clauses of a rule that speak about a type of resource.
func (r *Rule) clauses(resource string) []*clause {
	if resource == registry.TypeRegistry {
		return r.lists
	}
	return r.cases
}
