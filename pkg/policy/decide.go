package policy

import (
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// decider collects the rules that apply to one question. It lives on the stack of one decision.
type decider struct {
	query query
	want  registry.Actions
	// settled is, by effect, the number of a rule behind which none has anything new to say.
	settled numbers
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
			d.leaf(n.here)
		}
		return
	}
	d.leaf(n.inside)
	d.leaf(n.deep)
	if n.deepTo != nil {
		d.leaf(n.deepTo[p.part(p.n-1)])
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
	if n.globs != nil {
		d.walkGlobs(n.globs, part, i)
	}
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
