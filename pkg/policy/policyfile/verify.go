package policyfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// The bounds of what is said about tests that fail.
const (
	maxExplained = 20   // how many are explained
	maxMoments   = 1000 // how many moments are tried where a test may depend on the time
)

// verify runs the tests. Groups count as the document names them, whatever the directory knows of them: the
// outcome is the same everywhere. A test that fails only at certain times is a warning, so that a day that
// passes never makes a document refusable.
func (d *document) verify() (Faults, Warnings) {
	if len(d.trials) == 0 {
		return nil, nil
	}
	p, err := d.compile(nil)
	if err != nil {
		return Faults{{File: d.file, Code: CodeYAML, Message: err.Error()}}, nil
	}
	v := verifier{parser: parser{file: d.file, source: d.source}, policy: p, now: d.options.now(), moments: turningPoints(p)}
	for i := range d.trials {
		for j := range d.trials[i].assertions {
			v.try(&d.trials[i], &d.trials[i].assertions[j])
		}
	}
	return v.parser.faults, v.warnings
}

// verifier runs tests.
type verifier struct {
	parser   parser // of which it uses the faults
	warnings Warnings
	policy   *policy.Policy
	now      time.Time
	moments  []time.Time
}

// turningPoints lists the moments at which a rule begins or ends, and those just before.
func turningPoints(p *policy.Policy) []time.Time {
	var all []time.Time
	for _, r := range p.Rules() {
		for _, t := range []time.Time{r.Since, r.Until} {
			if !t.IsZero() && len(all) < maxMoments {
				all = append(all, t, t.Add(-1))
			}
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// try runs one assertion.
func (v *verifier) try(t *trial, a *assertion) {
	r := policy.Request{Principal: t.who, Service: t.service, Scope: a.scope, Client: t.client, Now: t.at}
	if t.at.IsZero() {
		r.Now = v.now
	}
	if v.holds(r, a) || len(v.parser.faults) > 2*maxFaults {
		return
	}
	asked := t.name() + " must "
	if !a.allowed {
		asked += "not "
	}
	message := fmt.Sprintf("test %d: %sbe able to %s, but %s", t.number, asked, a.words(), v.why(r, a))
	if t.at.IsZero() && v.timely(r, a) {
		v.warnings = append(v.warnings, v.parser.fault(a.node, WarnTestTime, message+"; at another time it does not fail",
			`give the test the time that it is about, as in "at: 2026-12-31"`))
		return
	}
	v.parser.node(a.node, CodeFailedTest, message, "correct the rule, or the test")
}

// holds reports whether the policy answers as the assertion says.
func (v *verifier) holds(r policy.Request, a *assertion) bool {
	return v.policy.Decide(r).Granted.Has(a.scope.Actions) == a.allowed
}

// timely reports whether the assertion holds at another time.
func (v *verifier) timely(r policy.Request, a *assertion) bool {
	return slices.ContainsFunc(v.moments, func(t time.Time) bool {
		r.Now = t
		return v.holds(r, a)
	})
}

// why says which rules make it so.
func (v *verifier) why(r policy.Request, a *assertion) string {
	if len(v.parser.faults) >= maxExplained {
		return "the rules say otherwise"
	}
	e := v.policy.Explain(r).Actions[0]
	switch {
	case !a.allowed:
		return place(e.Given[0].Rule) + " allows it"
	case len(e.Given) > 0:
		return place(e.Taken[0].Rule) + " takes it away"
	case len(e.Misses) > 0:
		m := e.Misses[0]
		return "no rule allows it; it would be allowed by " + place(m.Rule) + " if " + m.Condition
	default:
		return "no rule allows it"
	}
}

// place names a rule of the same document.
func place(r *policy.Rule) string { return fmt.Sprintf("rule %d (line %d)", r.Number, r.Position.Line) }

// name says who a test is about.
func (t *trial) name() string {
	switch {
	case t.who.Kind == identity.Robot:
		return "robot " + t.who.Name
	case t.who.Name != "":
		return t.who.Name
	case t.who.ID != "":
		return "account " + t.who.ID
	case t.who.Kind == identity.Person:
		return "a person of these groups"
	default:
		return "a client without a login"
	}
}

// words says what an assertion is about.
func (a *assertion) words() string {
	if a.scope.Type == registry.TypeRegistry {
		return "list the catalog"
	}
	return strings.Join(a.scope.Actions.Names(), " and ") + " " + a.scope.Name
}
