package policyplan

import (
	"slices"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// consequences tells who gains and loses by a cannot that is new or gone. It adds nothing that the change of the
// cannot does not say already; it says it for each class that a can names.
func (d *differ) consequences(keys []string) {
	for _, b := range d.bars {
		kind, from := Loses, d.before
		if b.kind == Freed {
			kind, from = Gains, d.after
		}
		for _, key := range keys {
			c := d.representative(key)
			if b.class.key != c.key && !d.isBase(b.class, c) || slices.Contains(b.clause.condition.except, c.key) {
				continue
			}
			d.consequence(b, kind, c, from)
		}
	}
}

// isBase reports whether everybody of c is of the class b, too.
func (*differ) isBase(b, c *class) bool {
	switch {
	case b.key == "anyone":
		return true
	case b.key == "signed-in" || b.key == signedInKey(c.directory):
		return c.kind != policy.Anyone && c.kind != policy.Robot
	default:
		return false
	}
}

// consequence tells what one cannot does to one class, by what the policy without it gives them.
func (d *differ) consequence(b bar, kind Kind, c *class, from *policyView) {
	var barred []*language
	covers := from.cover(c)
	for _, k := range covers {
		for i := range k.clauses {
			if o := &k.clauses[i]; o.cannot(b.action) && b.clause.condition.implies(&o.condition) {
				barred = append(barred, &o.language)
			}
		}
	}
	if b.class.key != c.key { // what they have by being of that class is told there
		covers = nil
		if own := from.classes[c.key]; own != nil {
			covers = []*class{own}
		}
	}
	for _, k := range covers {
		for i := range k.clauses {
			if o := &k.clauses[i]; o.can(b.action) && b.clause.clause.Pattern == nil == (o.clause.Pattern == nil) {
				d.overlap(b, kind, c, o, barred)
			}
		}
	}
}

// overlap notes where a can and the cannot meet, in the words of the narrower one.
func (d *differ) overlap(b bar, kind Kind, c *class, o *bound, barred []*language) {
	if o.clause.Pattern == nil {
		d.addBy(c, kind, b, o, "", "")
		return
	}
	can, cannot := &o.language, &b.clause.language
	if can.apart(cannot) {
		return
	}
	example, found := find([]*language{cannot, can}, barred)
	if !found {
		return
	}
	if _, more := find([]*language{can}, []*language{cannot}); !more {
		d.addBy(c, kind, b, o, "", example)
		return
	}
	d.addBy(c, kind, b, o, b.clause.readable(cannot.text), example)
}

// addBy notes a gain or a loss that a cannot causes.
func (d *differ) addBy(c *class, kind Kind, b bar, o *bound, inside, example string) {
	at := place{kind: kind, class: c.key, repos: o.language.text, inside: "\x00" + inside, conditions: b.clause.clause.Rule.Ref()}
	plain := place{kind: kind, class: c.key, repos: o.language.text, conditions: conditions(o.clause.Rule)}
	if i, ok := d.found[plain]; ok && d.changes[i].Actions.Has(b.action) {
		return // it changes there altogether
	}
	if i, ok := d.found[at]; ok {
		d.changes[i].Actions |= b.action
		return
	}
	d.found[at] = len(d.changes)
	change := Change{
		Kind: kind, Who: c.who, Actions: b.action, Inside: inside, Rule: b.clause.clause.Rule,
		Example: o.readable(example), class: c.key,
	}
	if o.clause.Pattern != nil {
		change.Repos = o.readable(o.language.text)
	}
	d.changes = append(d.changes, change)
}
