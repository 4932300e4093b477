package policy

// index finds the clauses that may concern a question: by the parts of the path, and at each place by
// subject. It only ever finds too much; [clause.verdict] decides.
type index struct {
	root    node
	catalog leaf
}

// node is a place in the tree of patterns.
type node struct {
	next  map[string]*node // a literal part
	any   *node            // a part that is "*" or a hole
	globs globs            // a part with stars or holes beside literals
	here  leaf             // patterns that end here
	// inside are patterns that end with one "**" from here on; deepTo those with a "**" here that end with a
	// literal part, by that part; deep all others with a "**" here.
	inside leaf
	deepTo map[string]*leaf
	deep   leaf
}

// add files a clause.
func (ix *index) add(c *clause) {
	if c.pattern == nil {
		ix.catalog.add(c)
		return
	}
	n := &ix.root
	for i := range c.parts {
		p := &c.parts[i]
		if p.deep {
			n.deepLeaf(c.parts[i+1:]).add(c)
			return
		}
		n = n.child(p)
	}
	n.here.add(c)
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
		return n.globs.child(p)
	}
}

// deepLeaf gives the leaf for a "**" that rest follows.
func (n *node) deepLeaf(rest []part) *leaf {
	if len(rest) == 0 {
		return &n.inside
	}
	text, ok := rest[len(rest)-1].literal()
	if !ok {
		return &n.deep
	}
	if n.deepTo == nil {
		n.deepTo = map[string]*leaf{}
	}
	if n.deepTo[text] == nil {
		n.deepTo[text] = &leaf{}
	}
	return n.deepTo[text]
}

// leaf holds clauses by subject.
type leaf struct {
	open      []*clause // who needs no group and no name, in the order of the rules
	users     table
	names     table
	dns       table
	ids       table
	templates templates
}

// add files a clause by its subject.
func (l *leaf) add(c *clause) {
	s := c.subject
	switch {
	case s.Kind == Anyone, s.Kind == SignedIn, s.Unresolved:
		l.open = append(l.open, c)
		return
	case s.Kind == User, s.Kind == Robot:
		l.users.add(s.key, c)
		return
	case s.template != nil:
		l.templates.add(c)
		return
	}
	switch s.Kind {
	case GroupName:
		l.names.add(s.key, c)
	case GroupDN:
		l.dns.add(s.key, c)
	default:
		l.ids.add(s.key, c)
	}
	if s.heldID != "" {
		l.ids.add(s.heldID, c)
	}
	if s.heldDN != "" {
		l.dns.add(s.heldDN, c)
	}
}

// fewKeys is up to how many keys a table is a list: that many comparisons a group cost less than a lookup.
const fewKeys = 4

// table finds clauses by one key.
type table struct {
	few  []tableEntry
	many map[string][]*clause
}

// tableEntry is one key of a small table.
type tableEntry struct {
	key     string
	clauses []*clause
}

// add files a clause under a key; an empty key matches nothing and is not filed.
func (t *table) add(key string, c *clause) {
	if key == "" {
		return
	}
	if t.many != nil {
		t.many[key] = append(t.many[key], c)
		return
	}
	for i := range t.few {
		if t.few[i].key == key {
			t.few[i].clauses = append(t.few[i].clauses, c)
			return
		}
	}
	t.few = append(t.few, tableEntry{key: key, clauses: []*clause{c}})
	if len(t.few) <= fewKeys {
		return
	}
	t.many = make(map[string][]*clause, 2*len(t.few))
	for _, e := range t.few {
		t.many[e.key] = e.clauses
	}
	t.few = nil
}
