package policy

import (
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Holder is whom one rule gives something on one repository, or from whom it takes something there.
type Holder struct {
	// Rule is the rule.
	Rule *Rule
	// Actions are what it gives or takes of what was asked, with what those include.
	Actions registry.Actions
	// Subject is one of the rule's who, with those holes filled that the path tells.
	Subject Subject
	// User is the login name that the path asks for, too, where <user> stands in the pattern; else empty.
	User string
	// Fits is the pattern where the path does not tell what its holes stand for: of those whom Subject names it
	// means only the ones with whom the pattern is the path. Else it is empty.
	Fits string
	// Except are the rule's exceptions, with those holes filled that the path tells.
	Except []Subject
	// Lack is empty where the rule is in force. Else it is a can that one condition keeps from giving them
	// anything, and Lack says which, as the words after "if".
	Lack string
}

// Who lists whom the rules mean on the request's repository, in the order of the source; the request's principal
// has no part in it. A cannot is listed where it is in force, also where nobody is given what it takes.
func (p *Policy) Who(r Request) []Holder {
	asked := &identity.Principal{}
	q := query{policy: p, principal: asked, service: r.Service, client: r.Client, now: r.Now}
	q.prepare(r.Scope.Name)
	want := wanted(r.Scope)
	var all []Holder
	for _, rule := range p.rules {
		missing := rule.lack(&q)
		if missing == lackSeveral || missing != lackNothing && rule.Effect == Cannot {
			continue
		}
		first := len(all)
		for _, c := range rule.clauses(r.Scope.Type) {
			h, ok := q.holder(c, asked)
			if h.Actions &= want; !ok || h.Actions == 0 || missing != lackNothing && h.Lack != "" {
				continue
			}
			if missing != lackNothing {
				h.Lack = q.lackCondition(rule, missing)
			}
			if !h.isAmong(all[first:]) {
				all = append(all, h)
			}
		}
	}
	return all
}

// isAmong reports whether another pattern of the rule has said the same.
func (h Holder) isAmong(others []Holder) bool {
	return slices.ContainsFunc(others, func(o Holder) bool {
		return o.Subject.Text == h.Subject.Text && o.User == h.User && (o.Lack == "" || h.Lack != "") && (o.Fits == "" || o.Fits == h.Fits)
	})
}

// holder tells whom a clause means on the path; it is false where that is nobody. It puts the person for whom it
// asks into the principal of the query.
func (q *query) holder(c *clause, asked *identity.Principal) (Holder, bool) {
	h := Holder{Rule: c.rule, Actions: c.rule.effective, Subject: *c.subject}
	if c.pattern == nil {
		h.Actions = registry.Catalog
		h.Except = slices.Clone(c.rule.Except)
		return h, true
	}
	told, ok := c.read(&q.path)
	if !ok || !c.accepts(&told) {
		return Holder{}, false
	}
	h.Subject = c.subject.filled(c.subject.template, &told)
	for i := range c.exceptions {
		if e := &c.exceptions[i]; e.agreesWith(&told) {
			h.Except = append(h.Except, e.subject.filled(c.subject.template, &told))
		}
	}
	if told.isVague(c) {
		h.Fits = c.pattern.text
		return h, !c.guarded || q.policy.reservedBy(q.path.part(0), c) == nil
	}
	if c.usesUser {
		*asked = identity.Principal{Kind: identity.Person, Source: c.userDirectory, Name: told.user}
		q.identify()
		if c.subject.Kind != User {
			h.User = told.user
		}
	}
	v := c.pathVerdict(q, &told.filling)
	if m, ok := q.miss(c, v); ok && v == reserved {
		h.Lack = m.Condition
	}
	return h, v == applies || v == reserved
}

// told is what a path tells about the holes of a clause's pattern.
type told struct {
	filling
	known     [maxHoles]bool
	knownUser bool
}

// read reads the path; it is false where the path cannot be meant.
func (c *clause) read(p *path) (t told, ok bool) {
	if !matchPath(c.parts, p, nil) {
		return t, false
	}
	if c.usesUser {
		if c.subject.Kind == User {
			t.user, t.knownUser = c.subject.key, true
		} else if k, found := c.captureOf(userSlot); found {
			if t.user, ok = k.read(p); !ok {
				return t, false
			}
			t.knownUser = true
		}
	}
	if c.subject.template == nil {
		return t, true
	}
	for slot := range c.subject.template.holes {
		if k, found := c.captureOf(slot); found {
			if t.group[slot], ok = k.read(p); !ok {
				return t, false
			}
			t.known[slot] = true
		}
	}
	return t, true
}

// accepts reports whether a group may have a name with those values.
func (c *clause) accepts(t *told) bool {
	template := c.subject.template
	if template == nil {
		return true
	}
	all := true
	for i := range template.holes {
		if t.known[i] && !template.holes[i].accepts(t.group[i]) {
			return false
		}
		all = all && t.known[i]
	}
	return !all || template.match(string(template.name(nil, &t.group)), &t.group)
}

// isVague reports whether the pattern has a hole whose value the path does not tell.
func (t *told) isVague(c *clause) bool {
	for i := range c.parts {
		for _, e := range c.parts[i].elems {
			if e.kind == holeElem && (e.slot == userSlot && !t.knownUser || e.slot != userSlot && !t.known[e.slot]) {
				return true
			}
		}
	}
	return false
}

// filled gives the subject with those of its holes filled that have the name of a known hole of who.
func (s *Subject) filled(who *template, t *told) Subject {
	if s.template == nil || who == nil {
		return *s
	}
	var pairs []string
	for _, h := range s.template.holes {
		slot := who.slot(h.name)
		if slot < 0 || !t.known[slot] {
			continue
		}
		written := "<" + h.name
		if len(h.words) > 0 {
			written += ":" + strings.Join(h.words, "|")
		}
		pairs = append(pairs, written+">", t.group[slot])
	}
	fill := strings.NewReplacer(pairs...)
	filled, err := NewSubject(s.Kind, fill.Replace(s.Text), s.Directory, fill.Replace(s.Name))
	if err != nil {
		return *s
	}
	filled.closes = s.closes
	return filled
}

// agreesWith reports whether the exception may be of a group with the values that the path tells.
func (e *exception) agreesWith(t *told) bool {
	for h, slot := range e.same {
		if slot >= 0 && t.known[slot] && !e.subject.template.holes[h].accepts(t.group[slot]) {
			return false
		}
	}
	return true
}
