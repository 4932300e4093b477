package policy

import (
	"time"

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

// ends holds the rules that tell how long an action stays granted.
type ends struct {
	last [actionCount]*Rule // of the rules that give it the one that ends last
	next [actionCount]*Rule // of the rules that will take it away the one that begins first
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

// consider notes a clause's rule where it applies and is the first to give or take something wanted.
func (d *decider) consider(c *clause, g *identity.Group) {
	if n := d.settled[c.effect]; n != 0 && c.number > n {
		return
	}
	r := c.rule
	actions := r.effective
	if c.pattern == nil {
		actions = registry.Catalog
	}
	slots := &d.out.grants
	if r.Effect == Cannot {
		slots = &d.out.denies
	}
	if missing := r.lack(&d.query); missing != lackNothing {
		d.considerLacking(c, g, actions&d.want, missing)
		return
	}
	news := registry.Actions(0)
	for i := range actionCount {
		if actions&d.want&action(i) != 0 && (slots[i] == nil || slots[i].Number > r.Number || d.ends.last[i] != nil && r.outlasts(d.ends.last[i])) {
			news |= action(i)
		}
	}
	if news == 0 || c.verdict(&d.query, g) != applies {
		return
	}
	for i := range actionCount {
		if news&action(i) == 0 {
			continue
		}
		if slots[i] == nil || slots[i].Number > r.Number {
			slots[i] = r
		}
		if r.Effect == Can && (d.ends.last[i] == nil || r.outlasts(d.ends.last[i])) {
			d.ends.last[i] = r
		}
	}
	d.settle(slots, r.Effect)
}

// settle looks whether any further rule could have something new to say: not if each wanted action has its
// rule, which gives it without an end or takes it.
func (d *decider) settle(slots *[actionCount]*Rule, e Effect) {
	highest := 0
	for i := range actionCount {
		switch {
		case d.want&action(i) == 0:
		case slots[i] == nil, e == Can && !d.ends.last[i].Until.IsZero():
			return
		default:
			highest = max(highest, slots[i].Number)
		}
	}
	d.settled[e] = highest
}

// considerLacking notes a rule that would give something but for one condition, or that will take it away.
func (d *decider) considerLacking(c *clause, g *identity.Group, actions registry.Actions, missing lack) {
	r := c.rule
	if missing == lackSeveral || r.Effect == Cannot && missing != lackBegin {
		return
	}
	news := registry.Actions(0)
	for i := range actionCount {
		known := d.out.lacks[i] != lackNothing && d.out.lacks[i] <= missing
		if r.Effect == Cannot {
			known = d.ends.next[i] != nil && !r.Since.Before(d.ends.next[i].Since)
		}
		if actions&action(i) != 0 && !known {
			news |= action(i)
		}
	}
	if news == 0 || c.verdict(&d.query, g) != applies {
		return
	}
	for i := range actionCount {
		switch {
		case news&action(i) == 0:
		case r.Effect == Cannot:
			d.ends.next[i] = r
		default:
			d.out.lacks[i] = missing
		}
	}
}

// until tells when some of what is granted ends.
func (e *ends) until(granted registry.Actions) time.Time {
	var end time.Time
	for i := range actionCount {
		if granted&action(i) == 0 {
			continue
		}
		end = sooner(end, e.last[i].Until)
		if e.next[i] != nil {
			end = sooner(end, e.next[i].Since)
		}
	}
	return end
}

// sooner gives the first of two moments; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

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
			if groups[j].NameKey() == t.few[i].key {
				d.all(t.few[i].clauses, &groups[j])
			}
		}
	}
	if t.many == nil {
		return
	}
	for j := range groups {
		if key := groups[j].NameKey(); key != "" {
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

// byID looks up the ids of the person's groups.
func (d *decider) byID(t *table) {
	if t.few == nil && t.many == nil {
		return
	}
	groups := d.query.principal.Groups
	for i := range t.few {
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
			if name == nil || groups[i].NameKey() == string(name) {
				d.consider(c, &groups[i])
			}
		}
	}
}

// byAffix considers the clauses whose group name begins or ends like the group's.
func (d *decider) byAffix(a *affixes[*clause], g *identity.Group) {
	name := g.NameKey()
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
