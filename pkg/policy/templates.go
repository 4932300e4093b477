package policy

import (
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// fewTemplates is up to how many templates of a leaf are tried one by one.
const fewTemplates = 8

// templates are clauses whose group name has holes.
type templates struct {
	few    []*clause // all of them, as long as they are few
	places []templatePlace
}

// templatePlace are clauses for which the same place of the path tells what the hole beside their outer text took:
// so most groups that have the outer text are seen not to fit without a lookup.
type templatePlace struct {
	told    bool // whether the path tells it
	where   capture
	clauses affixes[*clause]
}

// add files a clause.
func (t *templates) add(c *clause) {
	if len(t.places) == 0 && len(t.few) < fewTemplates {
		t.few = append(t.few, c)
		return
	}
	for _, have := range t.few {
		t.file(have)
	}
	t.few = nil
	t.file(c)
}

// file files a clause by the text before its first hole, or after its last.
func (t *templates) file(c *clause) {
	literals := c.subject.template.literals
	first, last := literals[0], literals[len(literals)-1]
	slot := 0
	if first == "" {
		slot = len(literals) - 2
	}
	t.place(c, slot).clauses.add(first, last, c)
}

// place gives the place from which a hole of a clause can be read.
func (t *templates) place(c *clause, slot int) *templatePlace {
	want := templatePlace{}
	for _, k := range c.captures {
		if k.slot == slot {
			want.told, want.where = true, capture{part: k.part, prefix: k.prefix, suffix: k.suffix}
		}
	}
	for i := range t.places {
		if t.places[i].told == want.told && t.places[i].where == want.where {
			return &t.places[i]
		}
	}
	t.places = append(t.places, want)
	return &t.places[len(t.places)-1]
}

// byTemplate looks for groups that fit a name with holes.
func (d *decider) byTemplate(t *templates) {
	for _, c := range t.few {
		d.oneTemplate(c)
	}
	for i := range t.places {
		place := &t.places[i]
		value, ok := "", true
		if place.told {
			value, ok = place.where.read(&d.query.path)
		}
		if ok {
			d.byAffix(&place.clauses, value)
		}
	}
}

// oneTemplate looks for groups that fit a name with holes. Where the path tells the one group that would do, only
// that one is looked for.
func (d *decider) oneTemplate(c *clause) {
	groups := d.query.principal.Groups
	if len(c.captures) == 0 {
		for i := range groups {
			d.consider(c, &groups[i])
		}
		return
	}
	var buf [2 * maxHoleName]byte
	if name := c.groupName(buf[:0], &d.query.path); name != nil {
		d.ofGroup(nameKey, identity.Hash(name), c)
	}
}

// byAffix considers the clauses whose group name begins or ends like that of a group, and has the value beside it.
func (d *decider) byAffix(a *affixes[*clause], value string) {
	groups := d.query.principal.Groups
	for i := range groups {
		g := &groups[i]
		name := anyKey(g)
		if name == "" {
			continue
		}
		for _, n := range a.prefixLengths {
			if n <= len(name) && strings.HasPrefix(name[n:], value) {
				d.all(a.prefixes[name[:n]], g)
			}
		}
		for _, n := range a.suffixLengths {
			if n <= len(name) && strings.HasSuffix(name[:len(name)-n], value) {
				d.all(a.suffixes[name[len(name)-n:]], g)
			}
		}
		d.all(a.rest, g)
	}
}
