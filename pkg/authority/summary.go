package authority

import (
	"slices"

	"github.com/wharfgate/wharfgate/pkg/policy"
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

// Complete reports whether all that was asked was granted. A star asks for whatever there is, so that anything
// granted answers it in full.
func (g Grant) Complete() bool {
	return !slices.ContainsFunc(g.Decisions, func(d policy.Decision) bool { return d.Missing() != 0 })
}

// Reason is why not all that was asked was granted: "denied_by_rule" if a rule took some of it away, else
// "no_rule"; empty when all was.
func (g Grant) Reason() string {
	reason := policy.Reason("")
	for _, d := range g.Decisions {
		if d.Missing() == 0 {
			continue
		}
		if reason = d.MissingReason(); reason == policy.ReasonDeniedByRule {
			break
		}
	}
	return string(reason)
}
