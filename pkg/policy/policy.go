package policy

import (
	"slices"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Policy is a compiled set of rules. It is immutable and safe for concurrent use.
type Policy struct {
	rules        []*Rule
	revision     string
	servesAnyone map[string]bool        // by service; "" stands for every service
	reservations map[string]reservation // literal first path parts
	words        map[string]reservation // words that a hole lists which is the first path part
	exceptions   map[string]int         // ids, while it is compiled

	anonymous *index            // who has no login
	robots    *index            // machine accounts
	elsewhere *index            // persons of a directory that no rule names
	sources   map[string]*index // persons, by directory
}

// reservation says which rules name a literal first path part.
type reservation struct {
	rule *Rule // the first one
	more bool  // whether another one does, too
}

// Options says what a [Policy] is made of.
type Options struct {
	// Rules are the sentences; no rules is a policy that grants nothing.
	Rules []Rule
	// Revision names the source's version; it may be empty.
	Revision string
	// DefaultDirectory is the directory whose login names <user> takes where who is "signed-in".
	DefaultDirectory string
}

// New compiles rules. It does not change what it was given; the lists in the rules are kept and not copied, so that
// nobody may change them afterwards. An incomplete rule is [ErrInvalidRule].
func New(o Options) (*Policy, error) {
	p := &Policy{
		revision: o.Revision, rules: make([]*Rule, len(o.Rules)),
		reservations: map[string]reservation{}, words: map[string]reservation{}, exceptions: map[string]int{}, sources: map[string]*index{},
		servesAnyone: map[string]bool{}, anonymous: &index{}, robots: &index{}, elsewhere: &index{},
	}
	all := slices.Clone(o.Rules)
	for i := range all {
		r := &all[i]
		r.cases, r.lists = nil, nil
		if err := r.compile(i + 1); err != nil {
			return nil, err
		}
		p.rules[i] = r
		p.take(r, o.DefaultDirectory)
	}
	for _, r := range p.rules {
		p.index(r)
	}
	p.exceptions = nil
	return p, nil
}

// take notes what a rule means for the others.
func (p *Policy) take(r *Rule, defaultDirectory string) {
	for _, c := range r.cases {
		if first, ok := c.parts[0].literal(); ok {
			reserve(p.reservations, first, r)
		}
		for _, word := range c.firstWords() {
			reserve(p.words, word, r)
		}
	}
	for _, c := range slices.Concat(r.cases, r.lists) {
		p.number(c.exceptions)
	}
	for _, c := range r.cases {
		if c.subject.Kind == SignedIn {
			c.userDirectory = defaultDirectory
		}
		if c.usesUser || c.subject.inDirectory() {
			p.source(c.userDirectory)
		}
	}
	for _, c := range r.lists {
		if c.subject.inDirectory() {
			p.source(c.subject.Directory)
		}
	}
	p.serve(r)
}

// reserve notes that a rule names a first path part.
func reserve(in map[string]reservation, first string, r *Rule) {
	switch have, ok := in[first]; {
	case !ok:
		in[first] = reservation{rule: r}
	case have.rule != r:
		in[first] = reservation{rule: have.rule, more: true}
	}
}

// serve notes where a rule gives something to those without a login.
func (p *Policy) serve(r *Rule) {
	if r.Effect != Can || !slices.ContainsFunc(r.Who, func(s Subject) bool { return s.Kind == Anyone }) {
		return
	}
	if len(r.On) == 0 {
		p.servesAnyone[""] = true
	}
	for _, service := range r.On {
		p.servesAnyone[service] = true
	}
}

// source gives the index of a directory's persons.
func (p *Policy) source(directory string) *index {
	ix, ok := p.sources[directory]
	if !ok {
		ix = &index{}
		p.sources[directory] = ix
	}
	return ix
}

// index files the clauses of a rule for everybody whom they may concern.
func (p *Policy) index(r *Rule) {
	for _, c := range slices.Concat(r.cases, r.lists) {
		switch {
		case c.subject.inDirectory():
			p.source(c.subject.Directory).add(c)
		case c.usesUser:
			p.source(c.userDirectory).add(c)
		case c.subject.Kind == Robot:
			p.robots.add(c)
		default:
			if c.subject.Kind == Anyone {
				p.anonymous.add(c)
				p.robots.add(c)
			}
			p.elsewhere.add(c)
			for _, ix := range p.sources {
				ix.add(c)
			}
		}
	}
}

// reserves reports whether another rule names the literal first path part.
func (p *Policy) reserves(first string, r *Rule) bool {
	have, ok := p.reservations[first]
	return ok && (have.more || have.rule != r)
}

// reservedBy gives another rule that keeps a hole of the clause from taking a first path part, or nil. Words that
// a rule lists keep <user> away, too: they are folders of groups, and a login name is soon made.
func (p *Policy) reservedBy(first string, c *clause) *Rule {
	if p.reserves(first, c.rule) {
		return p.reservations[first].rule
	}
	if have, ok := p.words[first]; ok && c.usesUser && (have.more || have.rule != c.rule) {
		return have.rule
	}
	return nil
}

// indexFor gives the index of those who ask like this principal.
func (p *Policy) indexFor(who *identity.Principal) *index {
	switch who.Kind {
	case identity.Person:
	case identity.Robot:
		return p.robots
	default:
		return p.anonymous
	}
	if ix, ok := p.sources[who.Source]; ok {
		return ix
	}
	return p.elsewhere
}

// Decide answers one request. Its cost depends on the length of the repository name and the number of the
// principal's groups, hardly on the number of rules, and it allocates nothing for a folded login name.
func (p *Policy) Decide(r Request) Decision {
	out := Decision{Scope: r.Scope, policy: p}
	var e ends
	d := decider{want: wanted(r.Scope), out: &out, ends: &e, settled: numbers{noNumber - 1, noNumber - 1}}
	if d.want == 0 {
		return out
	}
	d.query.policy, d.query.principal = p, &r.Principal
	d.query.service, d.query.client, d.query.now = r.Service, r.Client, r.Now
	d.query.prepare(r.Scope.Name)
	ix := p.indexFor(&r.Principal)
	if d.want == registry.Catalog {
		d.leaf(ix.catalog)
	} else {
		d.walk(&ix.root, 0)
	}
	out.Granted = out.given()
	out.Until = e.until(out.Granted)
	return out
}

// wanted gives the single actions that a scope is about; none for a resource that no policy speaks about.
func wanted(s registry.Scope) registry.Actions {
	switch {
	case s.Type == registry.TypeRepository && s.Actions.Has(registry.Wildcard):
		return registry.RepositoryActions
	case s.Type == registry.TypeRepository:
		return s.Actions & registry.RepositoryActions
	case s.Type == registry.TypeRegistry && s.Name == registry.CatalogName && s.Actions&(registry.Catalog|registry.Wildcard) != 0:
		return registry.Catalog
	default:
		return 0
	}
}

// ServesAnyone reports whether requests without a login are to be answered on a service: whether a can for
// anyone exists there, whatever its network and time.
func (p *Policy) ServesAnyone(service string) bool {
	return p.servesAnyone[""] || p.servesAnyone[service]
}

// Revision names the version of the source that the policy was made from.
func (p *Policy) Revision() string { return p.revision }

// Len is the number of rules.
func (p *Policy) Len() int { return len(p.rules) }

// Rules lists the rules in the order of the source. The slice is the caller's, the rules are shared.
func (p *Policy) Rules() []*Rule { return slices.Clone(p.rules) }
