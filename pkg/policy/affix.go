package policy

import (
	"slices"
	"strings"
)

// affixes finds what is filed under a text that a key begins or ends with. Its cost is one lookup for each
// length that occurs.
type affixes[T any] struct {
	prefixes, suffixes map[string][]T
	prefixLengths      []int
	suffixLengths      []int
	rest               []T // neither prefix nor suffix is known
}

// add files a value under its prefix, or under its suffix where it has no prefix.
func (a *affixes[T]) add(prefix, suffix string, v T) {
	switch {
	case prefix != "":
		if a.prefixes == nil {
			a.prefixes = map[string][]T{}
		}
		a.prefixes[prefix] = append(a.prefixes[prefix], v)
		a.prefixLengths = addLength(a.prefixLengths, len(prefix))
	case suffix != "":
		if a.suffixes == nil {
			a.suffixes = map[string][]T{}
		}
		a.suffixes[suffix] = append(a.suffixes[suffix], v)
		a.suffixLengths = addLength(a.suffixLengths, len(suffix))
	default:
		a.rest = append(a.rest, v)
	}
}

// addLength keeps a list of distinct lengths.
func addLength(lengths []int, n int) []int {
	if slices.Contains(lengths, n) {
		return lengths
	}
	return append(lengths, n)
}

// globs are the children of a node behind parts such as "app-*" or "<team>-images".
type globs struct {
	edges  map[string]*globEdge // by shape
	lookup affixes[*globEdge]
}

// globEdge is one such child.
type globEdge struct {
	elems []elem // holes are stars
	to    node
}

// child gives the node behind a part, and makes it if need be. Holes are stars here.
func (g *globs) child(p *part) *node {
	var shape strings.Builder
	elems := make([]elem, 0, len(p.elems))
	for _, e := range p.elems {
		if e.kind != literalElem {
			e = elem{kind: starElem, text: "*"}
			if len(elems) > 0 && elems[len(elems)-1].kind == starElem {
				continue
			}
		}
		elems = append(elems, e)
		shape.WriteString(e.text)
	}
	if edge, ok := g.edges[shape.String()]; ok {
		return &edge.to
	}
	edge := &globEdge{elems: elems}
	if g.edges == nil {
		g.edges = map[string]*globEdge{}
	}
	g.edges[shape.String()] = edge
	g.lookup.add(literalText(elems[0]), literalText(elems[len(elems)-1]), edge)
	return &edge.to
}

// literalText gives the text of a literal, and nothing for a star.
func literalText(e elem) string {
	if e.kind != literalElem {
		return ""
	}
	return e.text
}
