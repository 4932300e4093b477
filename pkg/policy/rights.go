package policy

import (
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Right is a rule that speaks about a principal, with the patterns that it means for it.
type Right struct {
	// Rule is the rule.
	Rule *Rule
	// Group is the distinguished name of the group through which it speaks; empty where it needs none.
	Group string
	// Repos are the patterns with the holes filled; empty where the rule is about the catalog alone.
	Repos []string
}

// Rights lists the rules that speak about a principal, in the order of the source, one entry a rule and group.
// A cannot is among them; whether it takes anything away depends on the repository, as [Policy.Decide] tells.
// So are rules for other times, networks and registries: their sentence says so.
func (p *Policy) Rights(who identity.Principal) []Right {
	q := query{policy: p, principal: &who}
	q.prepare("")
	var all []Right
	for _, r := range p.rules {
		for i := -1; i < len(who.Groups); i++ {
			var g *identity.Group
			if i >= 0 {
				g = &who.Groups[i]
			}
			if right, ok := q.right(r, g); ok {
				all = append(all, right)
			}
		}
	}
	return all
}

// right gathers what a rule says about the principal through one group, or through none.
func (q *query) right(r *Rule, g *identity.Group) (Right, bool) {
	right := Right{Rule: r}
	if g != nil {
		right.Group = g.DN
	}
	said := false
	for _, c := range slices.Concat(r.lists, r.cases) {
		var f filling
		if !c.admits(q, g, &f.group) || c.usesUser && (!q.userLegal || q.principal.Source != c.userDirectory) {
			continue
		}
		if c.excepted(q, &f.group) {
			continue
		}
		f.user = q.user
		said = true
		if c.pattern == nil {
			continue
		}
		if text := filled(c.parts, &f); !slices.Contains(right.Repos, text) {
			right.Repos = append(right.Repos, text)
		}
	}
	return right, said
}

// filled writes the parts of a pattern with its holes filled.
func filled(parts []part, f *filling) string {
	var b strings.Builder
	for i := range parts {
		if i > 0 {
			b.WriteByte('/')
		}
		if parts[i].deep {
			b.WriteString("**")
		}
		for j := range parts[i].elems {
			e := &parts[i].elems[j]
			if e.kind == starElem {
				b.WriteByte('*')
				continue
			}
			b.WriteString(e.fill(f))
		}
	}
	return b.String()
}
