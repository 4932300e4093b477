package policy

import (
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
)

// Reasons lists every Reason.
func Reasons() []Reason { return []Reason{ReasonRule, ReasonNoRule, ReasonDeniedByRule} }

// Decision is the answer to one [Request].
type Decision struct {
	// Scope is what was asked.
	Scope registry.Scope
	// Granted is the part of what was asked that is granted; a Wildcard is replaced by explicit actions.
	Granted registry.Actions
	// grants and denies hold, an action each (pull, push, delete, catalog), the first rule in the file's
	// order that allows or forbids it; nil where none does.
	grants, denies [actionCount]*Rule
}

// actionCount is the number of single actions that rules speak about.
const actionCount = 4
