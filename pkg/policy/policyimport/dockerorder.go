package policyimport

import (
	"fmt"
	"strings"
)

// orderFree leaves those entries unconverted that mean something else in another order.
func orderFree(acl []aclEntry, rules []rule) {
	for i := range rules {
		if rules[i].deny && last(acl, i) {
			rules[i].problem = "no entry behind it allows anything there, and where no rule applies nothing is given"
		}
		for j := range i {
			if rules[i].problem != "" {
				break
			}
			if disjoint(&acl[i], &acl[j]) {
				continue
			}
			before, own := acl[j].granted(), acl[i].granted()
			switch {
			case rules[i].deny && before != 0:
				rules[i].problem = fmt.Sprintf("entry %d allows something of it, and a cannot would take that away", j+1)
			case !rules[i].deny && rules[j].deny && rules[j].problem == "": // a cannot wins in any order
			case own&^before != 0:
				rules[i].problem = fmt.Sprintf("entry %d decides first about some of it, and gives less", j+1)
			}
		}
	}
}

// last reports whether nothing behind an entry allows something that it is about.
func last(acl []aclEntry, i int) bool {
	for j := i + 1; j < len(acl); j++ {
		if len(acl[j].Actions) > 0 && !disjoint(&acl[i], &acl[j]) {
			return false
		}
	}
	return true
}

// disjoint reports whether no request can match both entries, as far as that is plain to see.
func disjoint(a, b *aclEntry) bool {
	plain := func(p *string) bool { return p != nil && !isRegexp(*p) && !strings.ContainsAny(*p, `*?[\$`) }
	differ := func(p, q *string) bool { return plain(p) && plain(q) && *p != *q }
	if differ(a.Match.Account, b.Match.Account) || differ(a.Match.Type, b.Match.Type) || differ(a.Match.Service, b.Match.Service) {
		return true
	}
	if a.Match.Account != nil && b.Match.Account != nil &&
		(*a.Match.Account == "" && everySignedIn(*b.Match.Account) || *b.Match.Account == "" && everySignedIn(*a.Match.Account)) {
		return true
	}
	if a.Match.IP != nil && b.Match.IP != nil {
		p, ok := prefix(*a.Match.IP)
		q, also := prefix(*b.Match.IP)
		if ok && also && !p.Overlaps(q) {
			return true
		}
	}
	return namesApart(a.Match.Name, b.Match.Name)
}

// namesApart reports whether no name matches both.
func namesApart(a, b *string) bool {
	if a == nil || b == nil {
		return false
	}
	globs := [2]string{*a, *b}
	for i, p := range globs {
		if !isRegexp(p) {
			continue
		}
		pattern, ok := fromRegexp(p[1 : len(p)-1])
		if !ok {
			return false
		}
		globs[i] = pattern
	}
	return apart(globs[0], globs[1])
}
