package policy

import (
	"cmp"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// maxMisses bounds the near misses of one action.
const maxMisses = 5

// Explanation says why a request is decided as it is. It looks at every rule, with the code that decides.
type Explanation struct {
	// Request is the question.
	Request Request
	// Decision is what [Policy.Decide] answers.
	Decision Decision
	// Actions has one entry a single action that was asked for.
	Actions []ActionExplanation
}

// ActionExplanation explains one action.
type ActionExplanation struct {
	// Action is a single action.
	Action registry.Actions
	// Granted is whether a rule gives it and none takes it away.
	Granted bool
	// Reason is why.
	Reason Reason
	// Given are all rules that give it, Taken all that take it away, in the order of the source.
	Given, Taken []Use
	// Misses are the rules that came nearest to giving it, nearest first; empty where one gives it.
	Misses []Miss

	lack lack // the nearest condition for want of which no rule gives it
}

// Use is a rule that applies.
type Use struct {
	// Rule is the rule.
	Rule *Rule
	// Group is the distinguished name of the group through which it applies; empty where it needs none.
	Group string
	// Unresolved is true for a cannot that applies only because the id of its group is not known yet.
	Unresolved bool
}

// Miss is a rule that would give an action but for one condition.
type Miss struct {
	// Rule is the rule.
	Rule *Rule
	// Condition is what fails, as the words after "if".
	Condition string

	rank missRank
	near int // of equal ranks the greater one comes first
}

// missRank orders misses; the lowest is the nearest.
type missRank uint8

const (
	missHole      missRank = iota // everything fits, but a hole takes no such value
	missCondition                 // everything fits, but for except, time, network or registry
	missWho                       // somebody else may
	missAction                    // something else may be done
	missPath                      // it may be done elsewhere
	missNone                      // more than one condition fails
)

// Explain answers a request like [Policy.Decide] and says why. Its cost grows with the number of rules.
func (p *Policy) Explain(r Request) Explanation {
	e := Explanation{Request: r, Decision: p.Decide(r)}
	want := wanted(r.Scope)
	for i := range actionCount {
		if want&action(i) != 0 {
			e.Actions = append(e.Actions, ActionExplanation{Action: action(i)})
		}
	}
	q := query{policy: p, principal: &r.Principal, service: r.Service, client: r.Client, now: r.Now}
	q.prepare(r.Scope.Name)
	for _, rule := range p.rules {
		if len(e.Actions) == 0 {
			break
		}
		f := q.look(rule, r.Scope.Type)
		for i := range e.Actions {
			e.Actions[i].add(rule, r.Scope.Type, &f)
		}
	}
	for i := range e.Actions {
		e.Actions[i].finish()
	}
	return e
}

// finding is what one rule has to do with a question.
type finding struct {
	applies bool
	use     Use
	lack    lack // what the rule does not apply for want of, where that is all
	miss    Miss
}

// look tries a rule with all its conditions.
func (q *query) look(r *Rule, resource string) finding {
	f := q.lookAtClauses(r, resource)
	missing := r.lack(q)
	switch {
	case missing == lackNothing:
		return f
	case f.applies && missing != lackSeveral:
		f.lack, f.miss = missing, Miss{Rule: r, rank: missCondition, Condition: q.lackCondition(r, missing)}
	default:
		f.miss.rank = missNone
	}
	f.applies = false
	return f
}

// lookAtClauses tries every clause of a rule with every group.
func (q *query) lookAtClauses(r *Rule, resource string) finding {
	f := finding{use: Use{Rule: r}, miss: Miss{Rule: r, rank: missNone}}
	var others []*clause // those that only the subject keeps away
	for _, c := range r.clauses(resource) {
		who := false
		for i := -1; i < len(q.principal.Groups); i++ {
			var g *identity.Group
			if i >= 0 {
				g = &q.principal.Groups[i]
			}
			v := c.verdict(q, g)
			if v == applies {
				f.applies = true
				if g != nil {
					f.use.Group = g.DN
				}
				f.use.Unresolved = g == nil && c.subject.Unresolved
				return f
			}
			who = who || v != otherWho
			if v != excepted && c.excepted(q, nil) {
				continue // a second condition fails
			}
			if m, ok := q.miss(c, v); ok {
				f.take(m)
			}
		}
		if (!who || c.subject.template != nil) && q.onlyWho(c) && !c.excepted(q, nil) {
			others = append(others, c)
		}
	}
	if len(others) > 0 {
		f.take(Miss{Rule: r, rank: missWho, Condition: q.whoCondition(others)})
	}
	return f
}

// take keeps the nearer of two misses.
func (f *finding) take(m Miss) {
	if m.rank < f.miss.rank || m.rank == f.miss.rank && m.near > f.miss.near {
		f.miss = m
	}
}

// add notes what a rule has to do with the action.
func (a *ActionExplanation) add(r *Rule, resource string, f *finding) {
	actions := r.effective
	if resource == registry.TypeRegistry {
		actions = 0
		if r.catalog {
			actions = registry.Catalog
		}
	}
	has := actions.Has(a.Action)
	switch {
	case f.applies && has && r.Effect == Can:
		a.Given = append(a.Given, f.use)
	case f.applies && has:
		a.Taken = append(a.Taken, f.use)
	case r.Effect == Cannot:
	case f.applies && actions != 0:
		a.Misses = append(a.Misses, Miss{Rule: r, rank: missAction, Condition: "it said " + actionWord(a.Action)})
	case has && f.miss.rank < missNone:
		a.Misses = append(a.Misses, f.miss)
		if f.lack != lackNothing && (a.lack == lackNothing || f.lack < a.lack) {
			a.lack = f.lack
		}
	}
	if len(a.Misses) >= 8*maxMisses {
		a.nearest()
	}
}

// nearest keeps the nearest misses.
func (a *ActionExplanation) nearest() {
	slices.SortStableFunc(a.Misses, func(x, y Miss) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(y.near, x.near), cmp.Compare(x.Rule.Number, y.Rule.Number))
	})
	a.Misses = a.Misses[:min(len(a.Misses), maxMisses)]
}

// finish draws the conclusion.
func (a *ActionExplanation) finish() {
	a.nearest()
	switch {
	case len(a.Given) == 0:
		a.Reason = a.lack.reason()
		return
	case len(a.Taken) > 0:
		a.Reason = ReasonDeniedByRule
	default:
		a.Reason, a.Granted = ReasonRule, true
	}
	a.Misses = nil
}

// actionWord names one action as the language does.
func actionWord(a registry.Actions) string {
	if a == registry.Catalog {
		return "catalog"
	}
	return a.String()
}
