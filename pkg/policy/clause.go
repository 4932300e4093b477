package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// clause is one subject of a rule with one of its patterns; without a pattern it is about the catalog. It is
// the unit that applies or does not, and the only place where that is decided.
type clause struct {
	rule    *Rule
	number  int32            // of the rule
	effect  Effect           // of the rule
	actions registry.Actions // that it gives or takes
	keys    [3]subjectKey    // of its subject
	subject *Subject
	pattern *Pattern
	parts   []part // of the pattern, its holes bound to the subject's

	exceptions []exception // of the rule, their holes bound to the subject's

	usesUser      bool
	userDirectory string // whose login names <user> takes
	guarded       bool   // a hole stands first and takes no reserved path part
	captures      []capture
}

// capture says where in a path the value of a group name's hole can be read.
type capture struct{ slot, part, prefix, suffix int }

// verdict says why a clause applies or not.
type verdict uint8

const (
	applies     verdict = iota
	otherWho            // who does not match
	otherPath           // the pattern does not match
	illegalUser         // the login name cannot be a path part, or <user> does not take names of this directory
	reserved            // a hole would take a path part that another rule names
	excepted            // except matches
)

// newClause makes the clause of one subject of a rule, about the catalog or, after it got a pattern and was bound,
// about repositories.
func newClause(r *Rule, s *Subject) *clause {
	c := &clause{rule: r, number: number(r.Number), effect: r.Effect, actions: registry.Catalog, subject: s}
	c.keys = s.keys()
	return c
}

// number makes the number of a rule small.
func number(n int) int32 { return int32(min(n, noNumber-1)) }

// isByGroup reports whether the clause concerns only those in a group.
func (c *clause) isByGroup() bool { return c.subject.isGroupKind() && !c.subject.Unresolved }

// bind connects the holes of the pattern with those of the subject.
func (c *clause) bind() error {
	c.userDirectory = c.subject.Directory
	if !c.pattern.holed {
		c.parts = c.pattern.parts
		c.findCaptures()
		return nil
	}
	c.parts = make([]part, len(c.pattern.parts))
	for i, p := range c.pattern.parts {
		elems := make([]elem, len(p.elems))
		for j, e := range p.elems {
			if e.kind == holeElem {
				if !c.subject.Fills(e.text) {
					return fmt.Errorf("<%s> in %q is not filled by %q", e.text, c.pattern.text, c.subject.Text)
				}
				e.slot = c.slot(e.text)
				c.usesUser = c.usesUser || e.slot == userSlot
				c.guarded = c.guarded || i == 0 && c.rule.Effect == Can && !c.listed(e.slot)
			}
			elems[j] = e
		}
		c.parts[i] = part{deep: p.deep, elems: elems}
	}
	c.findCaptures()
	return nil
}

// slot gives the slot of a hole that the subject fills.
func (c *clause) slot(name string) int {
	if name == UserHole {
		return userSlot
	}
	return c.subject.template.slot(name)
}

// listed reports whether a hole takes only words that the rule lists.
func (c *clause) listed(slot int) bool {
	return slot != userSlot && len(c.subject.template.holes[slot].words) > 0
}

// firstWords gives the words that a hole lists which is the first path part.
func (c *clause) firstWords() []string {
	first := &c.parts[0]
	if first.deep || len(first.elems) != 1 || first.elems[0].kind != holeElem || !c.listed(first.elems[0].slot) {
		return nil
	}
	return c.subject.template.holes[first.elems[0].slot].words
}

// findCaptures looks for places from which every hole can be read; captures stays empty if one has none.
func (c *clause) findCaptures() {
	t := c.subject.template
	if t == nil {
		return
	}
	found := make([]capture, 0, len(t.holes))
	for slot := range t.holes {
		if k, ok := c.captureOf(slot); ok {
			found = append(found, k)
		}
	}
	if len(found) == len(t.holes) {
		c.captures = found
	}
}

// captureOf gives the first place from which a hole can be read.
func (c *clause) captureOf(slot int) (capture, bool) {
	for i := range c.parts {
		if c.parts[i].deep {
			break
		}
		if k, ok := captureFrom(c.parts[i].elems, slot); ok {
			k.part = i
			return k, true
		}
	}
	return capture{}, false
}

// read gives what stands in a path where the hole does; ok is false where nothing does.
func (k *capture) read(p *path) (value string, ok bool) {
	if k.part >= p.n {
		return "", false
	}
	s := p.part(k.part)
	if len(s) <= k.prefix+k.suffix {
		return "", false
	}
	return s[k.prefix : len(s)-k.suffix], true
}

// captureFrom tells where a hole stands in a part that has nothing else but literals.
func captureFrom(elems []elem, slot int) (capture, bool) {
	k := capture{slot: slot}
	seen := false
	for _, e := range elems {
		switch {
		case e.kind == holeElem && e.slot == slot && !seen:
			seen = true
		case e.kind == literalElem && seen:
			k.suffix += len(e.text)
		case e.kind == literalElem:
			k.prefix += len(e.text)
		default:
			return capture{}, false
		}
	}
	return k, seen
}

// groupName gives the name of the one group that would make the clause apply to the path. It appends to b and
// gives nil where the path does not tell.
func (c *clause) groupName(b []byte, p *path) []byte {
	if len(c.captures) == 0 {
		return nil
	}
	var v values
	for i := range c.captures {
		value, ok := c.captures[i].read(p)
		if !ok {
			return nil
		}
		v[c.captures[i].slot] = value
	}
	return c.subject.template.name(b, &v)
}

// verdict decides whether the clause applies to the question, through the group g where that is not nil.
func (c *clause) verdict(q *query, g *identity.Group) verdict {
	var f filling
	if !c.admits(q, g, &f.group) {
		return otherWho
	}
	if c.pattern != nil {
		f.user = q.user
		if v := c.pathVerdict(q, &f); v != applies {
			return v
		}
	}
	if len(c.exceptions) > 0 && c.excepted(q, &f.group) {
		return excepted
	}
	return applies
}

// pathVerdict looks at the path.
func (c *clause) pathVerdict(q *query, f *filling) verdict {
	if c.usesUser && (!q.userLegal || q.principal.Source != c.userDirectory) {
		return c.withoutUser(q)
	}
	if !matchPath(c.parts, &q.path, f) {
		return otherPath
	}
	if c.guarded && q.policy.reservedBy(q.path.part(0), c) != nil {
		return reserved
	}
	return applies
}

// admits reports whether the subject matches, through the group where there is one.
func (c *clause) admits(q *query, g *identity.Group, v *values) bool {
	if g == nil {
		return c.subject.admitsPerson(q.principal, q.user)
	}
	return c.subject.isGroupKind() && q.principal.Kind == identity.Person &&
		q.principal.Source == c.subject.Directory && c.subject.admitsGroup(g, v)
}

// withoutUser tells a path that could not match anyway from one that only the login name keeps away.
func (c *clause) withoutUser(q *query) verdict {
	if matchPath(c.parts, &q.path, nil) {
		return illegalUser
	}
	return otherPath
}

// query is a request prepared for matching. It lives on the stack of one decision.
type query struct {
	policy    *Policy
	principal *identity.Principal
	service   string
	client    netip.Addr
	now       time.Time

	user      string // the folded name of a person or a robot
	userLegal bool   // whether it may enter a path
	path      path

	membership membership
	remembered remembered
}

// prepare works out what a query needs to know beside the question, which its maker puts in: so that it can
// stay on the stack.
func (q *query) prepare(name string) {
	if q.principal.Kind != identity.Anonymous {
		q.identify()
	}
	q.path.cut(name)
}

// identify works out what the principal's name may stand for.
func (q *query) identify() {
	q.user = identity.Fold(q.principal.Name)
	q.userLegal = q.principal.Kind == identity.Person && isASCII(q.principal.Name) && legalPart(q.user)
}

// isASCII reports whether a name consists of ASCII alone. Others may fold into a legal path part that looks
// like somebody else's.
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}
