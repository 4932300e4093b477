package policy

import "github.com/wharfgate/wharfgate/pkg/identity"

// leaf looks at all clauses of a leaf whose subject may match; nil has none.
func (d *decider) leaf(l *leaf) {
	if l == nil {
		return
	}
	for _, c := range l.few {
		d.one(c)
	}
	if s := l.bySubject; s != nil {
		d.crowd(s)
	}
}

// one considers a clause with those groups that its subject may name.
func (d *decider) one(c *clause) {
	switch {
	case !c.isByGroup():
		d.consider(c, nil)
	case d.query.principal.Kind != identity.Person, c.number > d.settled[c.effect]:
	case c.subject.template != nil:
		d.oneTemplate(c)
	default:
		for _, k := range c.keys {
			if k.hash != 0 {
				d.ofGroup(k.kind, k.hash, c)
			}
		}
	}
}

// ofGroup considers a clause with those groups that have a key.
func (d *decider) ofGroup(k keyKind, hash uint32, c *clause) {
	groups := d.query.principal.Groups
	if !d.query.membership.mayHave(groups, k, hash) {
		return
	}
	for i := range groups {
		if keyHash(&groups[i], k) == hash {
			d.consider(c, &groups[i])
		}
	}
}

// crowd looks at those clauses of many whose subject may match.
func (d *decider) crowd(s *crowd) {
	d.all(s.open, nil)
	if d.query.principal.Kind == identity.Anonymous {
		return
	}
	if !s.users.isEmpty() {
		d.entry(s.users.find(identity.Hash(d.query.user)), nil)
	}
	if d.query.principal.Kind != identity.Person {
		return
	}
	if !s.userIDs.isEmpty() {
		d.entry(s.userIDs.find(idHash(d.query.principal.ID)), nil)
	}
	for k := range s.groups {
		d.byGroup(&s.groups[k], keyKind(k))
	}
	d.byTemplate(&s.templates)
}

// idHash gives the hash of an id, folded. It does not allocate for an id of usual length.
func idHash(id string) uint32 {
	const usual = 64
	var buf [usual]byte
	key := append(buf[:0], id...)
	for i := range key {
		key[i] = lower(key[i])
	}
	return identity.Hash(key)
}

// byGroup looks up the groups of the person in the table, or the other way round if that is less work.
func (d *decider) byGroup(t *table, k keyKind) {
	const lookups = 4 // so many keys are asked for in the time of one lookup
	groups := d.query.principal.Groups
	if len(t.entries) > max(len(groups)/lookups, fewEntries) {
		for i := range groups {
			if hash := keyHash(&groups[i], k); hash != 0 {
				d.entry(t.find(hash), &groups[i])
			}
		}
		return
	}
	for i := range t.entries {
		e := &t.entries[i]
		if !d.hasNews(e) || !d.query.membership.mayHave(groups, k, e.hash) {
			continue
		}
		for j := range groups {
			if keyHash(&groups[j], k) == e.hash {
				d.all(e.clauses, &groups[j])
			}
		}
	}
}

// entry considers the clauses of an entry with one group, or with none; nil has none.
func (d *decider) entry(e *tableEntry, g *identity.Group) {
	if e != nil && d.hasNews(e) {
		d.all(e.clauses, g)
	}
}

// hasNews reports whether a clause of the entry could have anything new to say.
func (d *decider) hasNews(e *tableEntry) bool {
	return e.lowest[Can] <= d.settled[Can] || e.lowest[Cannot] <= d.settled[Cannot]
}

// all considers clauses with one group, or with none.
func (d *decider) all(clauses []*clause, g *identity.Group) {
	for _, c := range clauses {
		d.consider(c, g)
	}
}
