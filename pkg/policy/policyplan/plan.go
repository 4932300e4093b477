package policyplan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Kind says what a change does to those whom it is about.
type Kind string

// The kinds of changes.
const (
	// Gains: they may do it now, and could not before, unless another rule decides otherwise for some of them.
	Gains Kind = "gains"
	// Loses: they could do it before, and may not now, unless another rule still gives it to some of them.
	Loses Kind = "loses"
	// Barred: a cannot keeps them from it now, whatever other rules give them.
	Barred Kind = "barred"
	// Freed: a cannot kept them from it before and does not now; they may do it where another rule gives it.
	Freed Kind = "freed"
)

// Change is one difference between two policies.
type Change struct {
	// Kind says what changes.
	Kind Kind
	// Who is the subject as the policy writes it, such as group:team-<team>.
	Who string
	// Actions are what changes.
	Actions registry.Actions
	// Repos is the pattern; empty for the catalog.
	Repos string
	// Inside is a second pattern that the repository must match, too; it may be empty.
	Inside string
	// Because says why, where the rule alone does not tell; it may be empty.
	Because string
	// Rule is the rule that causes it: of the new policy for Gains and Barred, of the old one for Freed; for
	// Loses the rule that is gone, or the new cannot.
	Rule *policy.Rule
	// Example is a repository; empty for the catalog, and where none was found in reasonable time.
	Example string

	class string
}

// actions are the single actions that rules speak about.
func actions() []registry.Actions {
	return []registry.Actions{registry.Pull, registry.Push, registry.Delete, registry.Catalog}
}

// Plan lists what changes from one policy to another, in the order of who. Equal policies change nothing.
func Plan(before, after *policy.Policy) []Change {
	d := &differ{before: view(before), after: view(after), found: map[place]int{}}
	keys := d.keys()
	for _, key := range keys {
		c := d.representative(key)
		d.compare(d.before, d.after, c, Gains, Barred)
		d.compare(d.after, d.before, c, Loses, Freed)
		d.folders(c)
	}
	d.consequences(keys)
	return d.sorted()
}

// differ compares two policies.
type differ struct {
	before, after *policyView
	changes       []Change
	found         map[place]int // where a change stands in changes
	bars          []bar
}

// place is what two changes have in common that differ in actions only.
type place struct {
	kind                 Kind
	class, repos, inside string
	conditions           string
}

// bar is a cannot that is new or gone.
type bar struct {
	kind   Kind
	class  *class
	clause *bound
	action registry.Actions
}

// keys lists the classes of both policies, those that say most first.
func (d *differ) keys() []string {
	keys := slices.Clone(d.after.order)
	for _, key := range d.before.order {
		if d.after.classes[key] == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// representative gives a class of either policy.
func (d *differ) representative(key string) *class {
	if c := d.after.classes[key]; c != nil {
		return c
	}
	return d.before.classes[key]
}

// compare reports what the class's own clauses in to give or take that from does not.
func (d *differ) compare(from, to *policyView, c *class, given, taken Kind) {
	own := to.classes[c.key]
	if own == nil {
		return
	}
	d.report(c, own.clauses, from.cover(c), to.cover(c), given, taken)
}

// report reports those of the clauses that are not covered.
func (d *differ) report(c *class, clauses []bound, from, to []*class, given, taken Kind) {
	for i := range clauses {
		b := &clauses[i]
		for _, a := range actions() {
			var example string
			var changed bool
			kind := given
			switch {
			case b.can(a):
				example, changed = b.beyond(from, to, a)
			case b.cannot(a):
				kind = taken
				example, changed = b.beyondBars(from, a)
			}
			if !changed {
				continue
			}
			d.add(c, kind, b, a, "", example)
			if kind == taken {
				d.bars = append(d.bars, bar{kind: kind, class: c, clause: b, action: a})
			}
		}
	}
}

// beyond looks for a place where the clause gives what from does not give and to does not take away.
func (b *bound) beyond(from, to []*class, a registry.Actions) (example string, found bool) {
	var not []*language
	for _, c := range from {
		if !c.covers(b, &not, func(o *bound) bool { return o.can(a) }) {
			continue
		}
		return "", false
	}
	for _, c := range to {
		if c.covers(b, &not, func(o *bound) bool { return o.cannot(a) }) {
			return "", false
		}
	}
	return b.outside(not)
}

// beyondBars looks for a place where the clause takes what from does not take.
func (b *bound) beyondBars(from []*class, a registry.Actions) (example string, found bool) {
	var not []*language
	for _, c := range from {
		if c.byName {
			continue // a group of a cannot is held by its id, and kept from it under any other name, too
		}
		if c.covers(b, &not, func(o *bound) bool { return o.cannot(a) }) {
			return "", false
		}
	}
	return b.outside(not)
}

// covers reports whether a clause of the class with the same pattern does the same; else it gathers the
// patterns of those that may do so in places.
func (c *class) covers(b *bound, not *[]*language, does func(*bound) bool) bool {
	for _, i := range c.texts[b.language.text] {
		if o := &c.clauses[i]; does(o) && b.condition.implies(&o.condition) && o.keepsOutLike(b) {
			return true
		}
	}
	if b.clause.Pattern == nil {
		return false
	}
	for i := range c.clauses {
		o := &c.clauses[i]
		if o.clause.Pattern != nil && !o.vague && o.language.text != b.language.text && does(o) &&
			!o.language.apart(&b.language) && b.condition.implies(&o.condition) {
			*not = append(*not, &o.language)
		}
	}
	return false
}

// keepsOutLike reports whether of two clauses with one pattern neither keeps out of a folder that the other
// one enters. Only where a star stands beside a hole can that differ here.
func (b *bound) keepsOutLike(o *bound) bool {
	if !b.vague {
		return true
	}
	first := b.firstPart()
	return all(slices.Concat(b.clause.Folders(), o.clause.Folders()), func(folder string) bool {
		return !b.clause.Reserved(folder) || o.clause.Reserved(folder) || !first.has(folder)
	})
}

// firstPart gives what stands first in the pattern, its holes taking anything.
func (b *bound) firstPart() language {
	first, _, _ := strings.Cut(b.language.text, "/")
	return parse(strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '*'
		}
		return r
	}, first), nil)
}

// outside looks for a name in the pattern that none of the others has.
func (b *bound) outside(not []*language) (example string, found bool) {
	if b.clause.Pattern == nil {
		return "", true
	}
	if b.vague {
		not = slices.Concat(not, b.kept())
	}
	return find([]*language{&b.language}, not)
}

// maxKept bounds the folders that a search is told to keep out of.
const maxKept = 64

// kept gives the folders that the clause keeps out of, and what is inside them.
func (b *bound) kept() []*language {
	var all []*language
	first := b.firstPart()
	for _, folder := range b.clause.Folders() {
		if len(all) < 2*maxKept && b.clause.Reserved(folder) && first.has(folder) {
			itself, inside := parse(folder, nil), parse(folder+"/**", nil)
			all = append(all, &itself, &inside)
		}
	}
	return all
}

// add notes a change, together with those that differ in the action only.
func (d *differ) add(c *class, kind Kind, b *bound, a registry.Actions, inside, example string) {
	at := place{kind: kind, class: c.key, repos: b.language.text, inside: inside, conditions: conditions(b.clause.Rule)}
	if i, ok := d.found[at]; ok {
		d.changes[i].Actions |= a
		return
	}
	d.found[at] = len(d.changes)
	change := Change{
		Kind: kind, Who: c.who, Actions: a, Inside: inside, Rule: b.clause.Rule, Example: b.readable(example), class: c.key,
	}
	if b.clause.Pattern != nil {
		change.Repos = b.readable(b.language.text)
	}
	d.changes = append(d.changes, change)
}

// sorted gives the changes by who, losses after gains.
func (d *differ) sorted() []Change {
	rank := map[Kind]int{Gains: 0, Loses: 1, Barred: 2, Freed: 3}
	first := map[string]int{}
	for i, c := range d.changes {
		if _, ok := first[c.class]; !ok {
			first[c.class] = i
		}
	}
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(first[a.class], first[b.class]), cmp.Compare(rank[a.Kind], rank[b.Kind]))
	})
	return d.changes
}
