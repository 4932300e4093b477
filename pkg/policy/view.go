package policy

import (
	"iter"
	"maps"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Clause is one subject of a rule with one of its patterns: what a policy is made of, for tools that compare
// policies without asking about every person and repository.
type Clause struct {
	// Rule is the rule.
	Rule *Rule
	// Subject is one of its Who.
	Subject *Subject
	// Pattern is one of its Repos; nil for the catalog.
	Pattern *Pattern
	// Actions are what it gives or takes, with what those include.
	Actions registry.Actions
	// UserDirectory is the directory whose login names <user> takes; it has no meaning for a pattern without.
	UserDirectory string

	policy *Policy
	clause *clause
}

// Clauses gives the clauses of every rule, in the order of the rules.
func (p *Policy) Clauses() iter.Seq[Clause] {
	return func(yield func(Clause) bool) {
		for _, r := range p.rules {
			for _, c := range slices.Concat(r.lists, r.cases) {
				view := Clause{
					Rule: r, Subject: c.subject, Pattern: c.pattern, Actions: r.effective,
					UserDirectory: c.userDirectory, policy: p, clause: c,
				}
				if c.pattern == nil {
					view.Actions = registry.Catalog
				}
				if !yield(view) {
					return
				}
			}
		}
	}
}

// Guarded reports whether the pattern begins with a hole that keeps out of folders which other rules name.
func (c Clause) Guarded() bool { return c.clause.guarded }

// Reserved reports whether the clause keeps out of the folder of that name.
func (c Clause) Reserved(folder string) bool {
	return c.clause.guarded && c.policy.reservedBy(folder, c.clause) != nil
}

// Folders lists the first path parts that rules name literally, in alphabetical order.
func (p *Policy) Folders() []string { return slices.Sorted(maps.Keys(p.reservations)) }

// HoleValues gives what the holes of the subject take from a group of that short name, by the names of the
// holes. It is nil where the subject has no holes or the name does not fit.
func (s *Subject) HoleValues(name string) map[string]string {
	if s.template == nil {
		return nil
	}
	var v values
	if !s.template.match(identity.Fold(name), &v) {
		return nil
	}
	taken := make(map[string]string, len(s.template.holes))
	for i, h := range s.template.holes {
		taken[h.name] = v[i]
	}
	return taken
}

// Folders lists what [Policy.Folders] does for the clause's policy.
func (c Clause) Folders() []string { return c.policy.Folders() }
