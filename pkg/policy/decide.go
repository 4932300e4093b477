package policy

import (
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// decider collects the rules that apply to one question. It lives on the stack of one decision.
type decider struct {
	query query
	want  registry.Actions
	// settled is, by effect, the number of a rule behind which none has anything new to say; zero where there
	// is no such rule yet.
	settled [2]int
	// Not parts of the decider, so that what it points to can stay on the stack.
	out  *Decision
	ends *ends
}

// given gives the actions that a rule gives and none takes away.
func (d Decision) given() registry.Actions {
	var a registry.Actions
	for i := range actionCount {
		if d.grants[i] != nil && d.denies[i] == nil {
			a |= action(i)
		}
	}
	return a
}

// action gives the i-th single action.
func action(i int) registry.Actions { return registry.Pull << i }

// walk looks at all patterns below a node that may match the path from its i-th part on.
func (d *decider) walk(n *node, i int) {
	p := &d.query.path
	if i >= p.n {
		if p.n > 0 {
			d.leaf(&n.here)
		}
		return
	}
	d.leaf(&n.inside)
	d.leaf(&n.deep)
	if n.deepTo != nil {
		if l := n.deepTo[p.part(p.n-1)]; l != nil {
			d.leaf(l)
		}
	}
	part := p.part(i)
	if n.next != nil {
		if to := n.next[part]; to != nil {
			d.walk(to, i+1)
		}
	}
	if n.any != nil {
		d.walk(n.any, i+1)
	}
	d.walkGlobs(&n.globs, part, i)
}

// walkGlobs goes on behind the parts with stars that match.
func (d *decider) walkGlobs(g *globs, part string, i int) {
	for _, n := range g.lookup.prefixLengths {
		if n <= len(part) {
			d.walkEdges(g.lookup.prefixes[part[:n]], part, i)
		}
	}
	for _, n := range g.lookup.suffixLengths {
		if n <= len(part) {
			d.walkEdges(g.lookup.suffixes[part[len(part)-n:]], part, i)
		}
	}
	d.walkEdges(g.lookup.rest, part, i)
}

// walkEdges goes on behind those of the edges that match.
func (d *decider) walkEdges(edges []*globEdge, part string, i int) {
	for _, e := range edges {
		if matchPart(e.elems, part, nil) {
			d.walk(&e.to, i+1)
		}
	}
}

// leaf looks at all clauses of a leaf whose subject may match.
func (d *decider) leaf(l *leaf) {
	d.all(l.open, nil)
	if d.query.principal.Kind == identity.Anonymous {
		return
	}
	d.byUser(&l.users)
	if d.query.principal.Kind != identity.Person {
		return
	}
	d.byName(&l.names)
	d.byDN(&l.dns)
	d.byID(&l.ids)
	d.byTemplate(&l.templates)
}

// all considers clauses with one group.
func (d *decider) all(clauses []*clause, g *identity.Group) {
	for _, c := range clauses {
		d.consider(c, g)
	}
}

// byUser looks up the name of the person or the robot; an index has those of one kind.
func (d *decider) byUser(t *table) {
	for i := range t.few {
		if t.few[i].key == d.query.user {
			d.all(t.few[i].clauses, nil)
		}
	}
	if t.many != nil {
		d.all(t.many[d.query.user], nil)
	}
}

// byName looks up the short names of the person's groups.
func (d *decider) byName(t *table) {
	if t.few == nil && t.many == nil {
		return
	}
	groups := d.query.principal.Groups
	for i := range t.few {
		for j := range groups {
			if anyKey(&groups[j]) == t.few[i].key {
				d.all(t.few[i].clauses, &groups[j])
			}
		}
	}
	if t.many == nil {
		return
	}
	for j := range groups {
		if key := anyKey(&groups[j]); key != "" {
			d.all(t.many[key], &groups[j])
		}
	}
}

// byDN looks up the distinguished names of the person's groups.
func (d *decider) byDN(t *table) {
	if t.few == nil && t.many == nil {
		return
	}
	groups := d.query.principal.Groups
	for i := range t.few {
		for j := range groups {
			if groups[j].DNKey() == t.few[i].key {
				d.all(t.few[i].clauses, &groups[j])
			}
		}
	}
	if t.many == nil {
		return
	}
	for j := range groups {
		if key := groups[j].DNKey(); key != "" {
			d.all(t.many[key], &groups[j])
		}
	}
}

// byID looks up the ids of the person and of their groups.
func (d *decider) byID(t *table) {
	if t.few == nil && t.many == nil {
		return
	}
	who := d.query.principal
	groups := who.Groups
	for i := range t.few {
		if sameID(who.ID, t.few[i].key) {
			d.all(t.few[i].clauses, nil)
		}
		for j := range groups {
			if sameID(groups[j].ID, t.few[i].key) {
				d.all(t.few[i].clauses, &groups[j])
			}
		}
	}
	if t.many == nil {
		return
	}
	var buf [64]byte
	d.all(t.many[string(appendIDKey(buf[:0], who.ID))], nil)
	for j := range groups {
		if id := groups[j].ID; id != "" {
			d.all(t.many[string(appendIDKey(buf[:0], id))], &groups[j])
		}
	}
}

// byTemplate looks for groups that fit a name with holes. Where the path tells the one group that would do,
// only that one is looked for.
func (d *decider) byTemplate(t *templates) {
	if len(t.few) == 0 {
		return
	}
	groups := d.query.principal.Groups
	if !t.isFew() {
		for i := range groups {
			d.byAffix(&t.many, &groups[i])
		}
		return
	}
	var buf [2 * maxHoleName]byte
	for _, c := range t.few {
		name := c.groupName(buf[:0], &d.query.path)
		if name == nil && len(c.captures) > 0 {
			continue
		}
		for i := range groups {
			if name == nil || anyKey(&groups[i]) == string(name) {
				d.consider(c, &groups[i])
			}
		}
	}
}

// byAffix considers the clauses whose group name begins or ends like the group's.
func (d *decider) byAffix(a *affixes[*clause], g *identity.Group) {
	name := anyKey(g)
	if name == "" {
		return
	}
	for _, n := range a.prefixLengths {
		if n <= len(name) {
			d.all(a.prefixes[name[:n]], g)
		}
	}
	for _, n := range a.suffixLengths {
		if n <= len(name) {
			d.all(a.suffixes[name[len(name)-n:]], g)
		}
	}
	d.all(a.rest, g)
}
