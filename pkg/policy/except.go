package policy

import (
	"strconv"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// exception is one subject of a rule's except, seen from one subject of its who.
type exception struct {
	subject *Subject
	// same says, for each hole of the exception, which hole of who must have taken the same; -1 is any value.
	same [maxHoles]int8
	// id is the same for exceptions that name the same people whatever the holes of who took; else zero.
	id int
}

// remembered are the answers to the last exceptions that were looked at: rules often except the same people.
type remembered [32]struct {
	id  int
	yes bool
}

// number gives exceptions that name the same people the same id.
func (p *Policy) number(all []exception) {
	for i := range all {
		e := &all[i]
		if e.same != [maxHoles]int8{-1, -1, -1, -1} {
			continue
		}
		s := e.subject
		key := s.identity() + "\x00" + s.heldID + "\x00" + s.heldDN + "\x00" + strconv.FormatBool(s.Unresolved) + strconv.FormatBool(s.closes)
		if p.exceptions[key] == 0 {
			p.exceptions[key] = len(p.exceptions) + 1
		}
		e.id = p.exceptions[key]
	}
}

// exceptions binds the holes of except to the holes of the same name in a subject of who.
func (r *Rule) exceptions(who *Subject) []exception {
	if len(r.Except) == 0 {
		return nil
	}
	all := make([]exception, len(r.Except))
	for i := range r.Except {
		e := exception{subject: &r.Except[i], same: [maxHoles]int8{-1, -1, -1, -1}}
		if t := e.subject.template; t != nil && who.template != nil {
			for h := range t.holes {
				e.same[h] = int8(who.template.slot(t.holes[h].name))
			}
		}
		all[i] = e
	}
	return all
}

// excepted reports whether the rule excepts who asks. The values are those of the subject's holes; nil stands
// for any.
func (c *clause) excepted(q *query, v *values) bool {
	for i := range c.exceptions {
		if c.exceptions[i].admits(q, v) {
			return true
		}
	}
	return false
}

// admits reports whether the exception names who asks.
func (e *exception) admits(q *query, v *values) bool {
	if e.id == 0 {
		return e.names(q, v)
	}
	known := &q.remembered[e.id%len(q.remembered)]
	if known.id != e.id {
		known.id, known.yes = e.id, e.names(q, v)
	}
	return known.yes
}

// names looks at the person and at every group.
func (e *exception) names(q *query, v *values) bool {
	s, who := e.subject, q.principal
	if s.admitsPerson(who, q.user) {
		return true
	}
	if !s.isGroupKind() || who.Kind != identity.Person || who.Source != s.Directory {
		return false
	}
	for i := range who.Groups {
		var have values
		if s.admitsGroup(&who.Groups[i], &have) && e.agrees(&have, v) {
			return true
		}
	}
	return false
}

// agrees reports whether holes of one name took the same.
func (e *exception) agrees(have, v *values) bool {
	if v == nil {
		return true
	}
	for h, slot := range e.same {
		if slot >= 0 && have[h] != v[slot] {
			return false
		}
	}
	return true
}

// exceptions lists those of the rule's exceptions that name who asks, as they are written.
func (q *query) exceptions(c *clause) []string {
	var texts []string
	for i := range c.exceptions {
		if c.exceptions[i].admits(q, nil) {
			texts = appendNew(texts, c.exceptions[i].subject.Text)
		}
	}
	return texts
}
