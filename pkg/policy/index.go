package policy

// index finds the clauses that may concern a question: by the parts of the path, and at each place by
// subject. It only ever finds too much; [clause.verdict] decides. Most places have one rule, so what a place
// does not need takes no memory.
type index struct {
	root    node
	catalog *leaf
}

// node is a place in the tree of patterns.
type node struct {
	next  map[string]*node // a literal part
	any   *node            // a part that is "*" or a hole
	globs *globs           // a part with stars or holes beside literals
	here  *leaf            // patterns that end here
	// inside are patterns that end with one "**" from here on; deepTo those with a "**" here that end with a
	// literal part, by that part; deep all others with a "**" here.
	inside *leaf
	deepTo map[string]*leaf
	deep   *leaf
}

// add files a clause.
func (ix *index) add(c *clause) {
	if c.pattern == nil {
		addTo(&ix.catalog, c)
		return
	}
	n := &ix.root
	for i := range c.parts {
		p := &c.parts[i]
		if p.deep {
			n.addDeep(c.parts[i+1:], c)
			return
		}
		n = n.child(p)
	}
	addTo(&n.here, c)
}

// addTo adds a clause to a leaf, and makes it if need be.
func addTo(l **leaf, c *clause) {
	if *l == nil {
		*l = &leaf{}
	}
	(*l).add(c)
}

// child gives the node below a part, and makes it if need be.
func (n *node) child(p *part) *node {
	text, ok := p.literal()
	switch {
	case ok:
		if n.next == nil {
			n.next = map[string]*node{}
		}
		if n.next[text] == nil {
			n.next[text] = &node{}
		}
		return n.next[text]
	case len(p.elems) == 1:
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	default:
		if n.globs == nil {
			n.globs = &globs{}
		}
		return n.globs.child(p)
	}
}

// addDeep files a clause with a "**" that rest follows.
func (n *node) addDeep(rest []part, c *clause) {
	if len(rest) == 0 {
		addTo(&n.inside, c)
		return
	}
	text, ok := rest[len(rest)-1].literal()
	if !ok {
		addTo(&n.deep, c)
		return
	}
	if n.deepTo == nil {
		n.deepTo = map[string]*leaf{}
	}
	l := n.deepTo[text]
	addTo(&l, c)
	n.deepTo[text] = l
}

// leaf holds the clauses of one place: few of them in a list, more by subject.
type leaf struct {
	few       []*clause
	bySubject *crowd
}

// fewClauses is up to how many clauses of a leaf are looked at one by one.
const fewClauses = 4

// add files a clause.
func (l *leaf) add(c *clause) {
	if l.bySubject == nil && len(l.few) < fewClauses {
		l.few = append(l.few, c)
		return
	}
	if l.bySubject == nil {
		l.bySubject = &crowd{}
		for _, have := range l.few {
			l.bySubject.add(have)
		}
		l.few = nil
	}
	l.bySubject.add(c)
}

// crowd holds clauses by subject.
type crowd struct {
	open      []*clause // who needs no group and no name, in the order of the rules
	users     table
	userIDs   table
	groups    [keyKinds]table
	templates templates
}

// add files a clause by its subject.
func (s *crowd) add(c *clause) {
	switch {
	case c.subject.Kind == User, c.subject.Kind == Robot:
		s.users.add(c.keys[0].hash, c)
	case c.subject.Kind == UserID:
		s.userIDs.add(c.keys[0].hash, c)
	case !c.isByGroup():
		s.open = append(s.open, c)
	case c.subject.template != nil:
		s.templates.add(c)
	default:
		for _, k := range c.keys {
			s.groups[k.kind].add(k.hash, c)
		}
	}
}
