package authority

import (
	"slices"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// Rules names the rules that decided about the scopes of a request, each once, as file:line, in the order of
// the scopes.
func (g Grant) Rules() []string {
	var names []string
	for _, d := range g.Decisions {
		for _, r := range d.Rules() {
			if name := r.Position.String(); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Bulky reports whether the token is larger than what passes every usual proxy, [token.MaxHandySize].
func (g Grant) Bulky() bool { return len(g.Token.Reveal()) > token.MaxHandySize }

// Complete reports whether all that was asked was granted. A star asks for whatever there is, so that anything
// granted answers it in full.
func (g Grant) Complete() bool {
	return !slices.ContainsFunc(g.Decisions, func(d policy.Decision) bool { return d.Missing() != 0 })
}

// Reason is why not all that was asked was granted: "denied_by_rule" if a rule took some of it away, else the
// first reason that says more than "no_rule", if there is one; empty when all was.
func (g Grant) Reason() string {
	reason := policy.Reason("")
	for _, d := range g.Decisions {
		if d.Missing() == 0 {
			continue
		}
		switch missing := d.MissingReason(); {
		case missing == policy.ReasonDeniedByRule:
			return string(missing)
		case reason == "", reason == policy.ReasonNoRule:
			reason = missing
		}
	}
	return string(reason)
}
