package policy

import "github.com/wharfgate/wharfgate/pkg/identity"

// exception is one subject of a rule's except, seen from one subject of its who.
type exception struct {
	subject *Subject
	// same says, for each hole of the exception, which hole of who must have taken the same; -1 is any value.
	same [maxHoles]int8
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
