package policy

import (
	"slices"
	"time"
)

// crossed lists the rules with <user> first in a pattern that meets one of another rule where a group name's hole
// stands first: who is called payments has the folder of the group team-payments there, and the other way round.
func (p *Policy) crossed(now time.Time) []Remark {
	var all []Remark
	persons, groups := p.byFirstHole(now)
	left := maxComparisons
	for _, c := range persons {
		if len(all) > 0 && all[len(all)-1].Rule == c.rule {
			continue // said once
		}
		if left -= len(groups); left < 0 {
			break
		}
		if i := slices.IndexFunc(groups, func(g *clause) bool { return g.rule != c.rule && overlap(c.parts, g.parts) }); i >= 0 {
			all = append(all, Remark{Kind: Crossed, Rule: c.rule, Other: groups[i].rule})
		}
	}
	return all
}

// byFirstHole gives the clauses of cans that have <user> in the first part, and those that have a hole there which
// takes any value of a group's name.
func (p *Policy) byFirstHole(now time.Time) (persons, groups []*clause) {
	for _, r := range p.rules {
		if r.Effect == Cannot || !r.Until.IsZero() && !now.Before(r.Until) {
			continue
		}
		for _, c := range r.cases {
			if !c.guarded {
				continue
			}
			for _, e := range c.parts[0].elems {
				switch {
				case e.kind != holeElem || c.listed(e.slot):
				case e.slot == userSlot:
					persons = append(persons, c)
				default:
					groups = append(groups, c)
				}
			}
		}
	}
	return persons, groups
}

// overlap reports whether some path matches both patterns, their holes taking anything.
func overlap(a, b []part) bool {
	x, y := steps(a), steps(b)
	return meet(len(x), len(y), func(i int) bool { return x[i].more }, func(j int) bool { return y[j].more },
		func(i, j int) bool { return x[i].meets(y[j]) })
}

// step is one part of a path: a given one, any one, or any number of any.
type step struct {
	part *part // nil: any
	more bool
}

// steps takes a pattern apart: "**" is any part, and any number more.
func steps(parts []part) []step {
	var all []step
	for i := range parts {
		if parts[i].deep {
			all = append(all, step{}, step{more: true})
			continue
		}
		all = append(all, step{part: &parts[i]})
	}
	return all
}

// meets reports whether some text matches both.
func (s step) meets(o step) bool {
	if s.part == nil || o.part == nil {
		return true
	}
	x, y := letters(s.part.elems), letters(o.part.elems)
	return meet(len(x), len(y), func(i int) bool { return x[i] == '*' }, func(j int) bool { return y[j] == '*' },
		func(i, j int) bool { return x[i] == y[j] })
}

// letters writes the elements of a part, with a star for each hole.
func letters(elems []elem) string {
	var text []byte
	for i := range elems {
		if elems[i].isStar(nil) {
			text = append(text, '*')
			continue
		}
		text = append(text, elems[i].text...)
	}
	return string(text)
}

// meet reports whether some word is in both of two languages, which are lists of n and m items. A star is any number
// of any items.
func meet(n, m int, starA, starB func(int) bool, same func(i, j int) bool) bool {
	row := make([]bool, m+1) // of the places in the first list before the current one
	row[0] = true
	for i := 0; i <= n; i++ {
		next := make([]bool, m+1)
		for j := 0; j <= m; j++ {
			if !row[j] {
				continue
			}
			a, b := i < n && starA(i), j < m && starB(j)
			if j < m && (a || b) {
				row[j+1] = true // a star takes the item, or the other star takes nothing
			}
			if i < n && (a || b) {
				next[j] = true
			}
			if i < n && j < m && !a && !b && same(i, j) {
				next[j+1] = true
			}
		}
		if i == n {
			return row[m]
		}
		row = next
	}
	return false
}
