package policyimport

import (
	"errors"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// ErrNoRules means that a file has no access rules in the form that was expected.
var ErrNoRules = errors.New("no access rules were found")

// The bounds of what is read and written.
const (
	maxBytes      = 4 << 20
	maxEntries    = 5000
	maxAssertions = 400
)

// Result is a policy that was made of old rules.
type Result struct {
	// Policy is the document.
	Policy []byte
	// Rules counts the rules that were converted, Left those that stand there as comments.
	Rules, Left int
	// Tests counts the answers of the old engine that the policy gives, too, Differ the others.
	Tests, Differ int
}

// rule is an old rule on its way.
type rule struct {
	name    string // for people: "entry 3"
	source  string // as it was, in one line
	comment string // its own comment
	problem string // why it is not converted; empty where it is

	who, except, repos []string
	from, on           string
	actions            registry.Actions
	deny               bool
}

// line writes the rule as one item of a list.
func (r *rule) line() string {
	verb := "can"
	words := actionWords(r.actions)
	if r.deny {
		verb = "cannot"
	}
	fields := []string{"who: " + values(r.who)}
	if len(r.except) > 0 {
		fields = append(fields, "except: "+values(r.except))
	}
	fields = append(fields, verb+": "+values(words))
	if r.actions != registry.Catalog {
		fields = append(fields, "repos: "+values(r.repos))
	}
	if r.from != "" {
		fields = append(fields, "from: "+quote(r.from))
	}
	if r.on != "" {
		fields = append(fields, "on: "+quote(r.on))
	}
	return "  - {" + strings.Join(fields, ", ") + "}"
}

// actionWords writes actions as a policy does: a push and a delete include the pull.
func actionWords(a registry.Actions) []string {
	var words []string
	if a.Has(registry.Pull) && a&(registry.Push|registry.Delete) == 0 {
		words = append(words, "pull")
	}
	if a.Has(registry.Push) {
		words = append(words, "push")
	}
	if a.Has(registry.Delete) {
		words = append(words, "delete")
	}
	if a.Has(registry.Catalog) {
		words = append(words, "catalog")
	}
	return words
}

// somebody asks in a test.
type somebody struct {
	user    string // empty: without a login
	group   string
	address string
}

// assertion is one answer of the old engine.
type assertion struct {
	text    string // "push team/app"
	allowed bool
	differs bool
}

// test is what the old engine answered somebody.
type test struct {
	who        somebody
	assertions []assertion
}

// document is the policy that is being made.
type document struct {
	title string
	rules []rule
	tests []test
}

// place says what stands in a line of the document.
type place struct{ rule, test, assertion int }

// settle makes the document one that can be read: rules with faults become comments, and so do tests that fail.
func (d *document) settle() Result {
	options := policyfile.Options{
		DefaultDirectory: directory, Directories: map[string]policyfile.Directory{directory: {GroupsBaseDN: "dc=assumed"}},
		FindGroup: anyGroup,
	}
	for {
		text, places := d.render()
		_, err := policyfile.Parse("imported", text, options)
		faults, ok := errors.AsType[policyfile.Faults](err)
		if !ok {
			return d.result(text)
		}
		if !d.leave(faults, places) { // never seen; what cannot be mended is left out
			d.rules, d.tests = nil, nil
		}
	}
}

// leave turns what is at fault into comments, and reports whether there was any.
func (d *document) leave(faults policyfile.Faults, places map[int]place) bool {
	changed := false
	for _, f := range faults {
		at, ok := places[f.Line]
		switch {
		case !ok:
		case at.rule >= 0:
			changed = d.drop(at.rule, f.Message) || changed
		case at.assertion >= 0 && f.Code == policyfile.CodeFailedTest:
			a := &d.tests[at.test].assertions[at.assertion]
			changed, a.differs = changed || !a.differs, true
		default:
			changed = changed || len(d.tests[at.test].assertions) > 0
			d.tests[at.test].assertions = nil
		}
	}
	return changed
}

// drop leaves a rule unconverted. Without a cannot, nothing behind it is safe.
func (d *document) drop(i int, why string) bool {
	if d.rules[i].problem != "" {
		return false
	}
	d.rules[i].problem = why
	if d.rules[i].deny {
		for j := i + 1; j < len(d.rules); j++ {
			if d.rules[j].problem == "" {
				d.rules[j].problem = d.rules[i].name + " stands before it and is not converted"
			}
		}
	}
	return true
}

// result counts.
func (d *document) result(text []byte) Result {
	r := Result{Policy: text}
	for i := range d.rules {
		if d.rules[i].problem == "" {
			r.Rules++
		} else {
			r.Left++
		}
	}
	for i := range d.tests {
		for _, a := range d.tests[i].assertions {
			if a.differs {
				r.Differ++
			} else {
				r.Tests++
			}
		}
	}
	return r
}

// hasTests reports whether a test has an assertion that holds.
func (t *test) hasTests() bool {
	return slices.ContainsFunc(t.assertions, func(a assertion) bool { return !a.differs })
}
