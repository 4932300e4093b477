package policyplan

import (
	"maps"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// bound is a clause as it is for one class: with the holes filled.
type bound struct {
	clause    policy.Clause
	fill      map[string]string
	condition condition
	language  language // of no tokens for the catalog
	vague     bool     // it keeps out of folders that other rules name, and a star stands beside the hole
}

// bind fills the holes of a clause. A clause that can never apply is none.
func bind(c policy.Clause, fill map[string]string) (bound, bool) {
	b := bound{clause: c, fill: fill, condition: newCondition(c.Rule, fill)}
	if c.Pattern == nil {
		b.language = language{text: registry.CatalogName}
		return b, true
	}
	usable := true
	b.language = parse(c.Pattern.String(), func(hole string) string {
		value := fill[hole]
		usable = usable && value != "" && (value[0] >= firstHole || legalPart(value))
		return value
	})
	first, _, _ := strings.Cut(b.language.text, "/")
	b.vague = c.Guarded() && strings.Contains(first, "*")
	if usable && !b.vague && c.Reserved(first) {
		return bound{}, false
	}
	return b, usable
}

// legalPart reports whether a value may be a part of a repository name.
func legalPart(s string) bool { return !strings.Contains(s, "/") && registry.ValidName(s) }

// refill binds the clause again, with texts for symbols.
func (b *bound) refill(texts map[byte]string) (bound, bool) {
	fill := maps.Clone(b.fill)
	for hole, value := range fill {
		if text, ok := texts[value[0]]; ok {
			fill[hole] = text
		}
	}
	return bind(b.clause, fill)
}

// can reports whether the clause gives an action, cannot whether it takes it away.
func (b *bound) can(a registry.Actions) bool {
	return b.clause.Rule.Effect == policy.Can && b.clause.Actions.Has(a)
}

func (b *bound) cannot(a registry.Actions) bool {
	return b.clause.Rule.Effect == policy.Cannot && b.clause.Actions.Has(a)
}

// class is everybody whom the rules of two policies name in one way.
type class struct {
	key, who  string
	kind      policy.SubjectKind
	directory string
	name      string // of a group without holes, or a user
	user      string // what stands for <user>
	clauses   []bound
	texts     map[string][]int
	byName    bool // it means the members only while the group has its name
}

// add files a clause.
func (c *class) add(b bound) {
	if c.texts == nil {
		c.texts = map[string][]int{}
	}
	c.texts[b.language.text] = append(c.texts[b.language.text], len(c.clauses))
	c.clauses = append(c.clauses, b)
}

// policyView is one policy, by classes.
type policyView struct {
	policy    *policy.Policy
	classes   map[string]*class
	order     []string
	templates []policy.Clause
}

// view sorts a policy's clauses into classes.
func view(p *policy.Policy) *policyView {
	v := &policyView{policy: p, classes: map[string]*class{}}
	for c := range p.Clauses() {
		if c.Subject.Kind == policy.GroupName && strings.Contains(c.Subject.Name, "<") {
			v.templates = append(v.templates, c)
		}
		for _, variant := range variants(c.Subject) {
			b, ok := bind(c, variant.fill)
			if !ok {
				continue
			}
			key, directory := variant.key, c.Subject.Directory
			if c.Subject.Kind == policy.SignedIn && usesUser(&b) {
				directory = c.UserDirectory
				key = signedInKey(directory)
			}
			v.class(key, variant, c.Subject, directory).add(b)
		}
	}
	return v
}

// usesUser reports whether a login name stands in the pattern.
func usesUser(b *bound) bool {
	return b.clause.Pattern != nil && slices.Contains(b.clause.Pattern.Holes(), policy.UserHole)
}

// signedInKey is the key of everybody of one directory.
func signedInKey(directory string) string { return "signed-in@" + directory }

// class gives a class, and makes it if need be.
func (v *policyView) class(key string, of variant, s *policy.Subject, directory string) *class {
	c, ok := v.classes[key]
	if !ok {
		c = &class{key: key, who: of.who, kind: s.Kind, directory: directory, user: of.fill[policy.UserHole]}
		if name, ok := strings.CutPrefix(key, "name:"); ok {
			c.name = strings.TrimSuffix(name, "@"+directory)
		}
		v.classes[key] = c
		v.order = append(v.order, key)
	}
	return c
}

// cover gives all classes in which everybody of a class is in this policy, too, the class itself first.
func (v *policyView) cover(c *class) []*class {
	var all []*class
	if own := v.classes[c.key]; own != nil {
		all = append(all, own)
	}
	if c.kind == policy.GroupName && isPlain(c.name) {
		all = append(all, v.bound(c))
	}
	if c.kind != policy.Anyone && c.kind != policy.Robot {
		if s := v.classes[signedInKey(c.directory)]; s != nil && s.key != c.key {
			all = append(all, s.forUser(c.user))
		}
		if s := v.classes["signed-in"]; s != nil && s.key != c.key {
			all = append(all, s)
		}
	}
	if a := v.classes["anyone"]; a != nil && a.key != c.key {
		all = append(all, a)
	}
	return all
}

// isPlain reports whether a name has no symbols of holes.
func isPlain(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0
}

// bound gives what group names with holes mean for one group.
func (v *policyView) bound(c *class) *class {
	b := &class{key: c.key, byName: true}
	for _, t := range v.templates {
		if t.Subject.Directory != c.directory {
			continue
		}
		if fill := t.Subject.HoleValues(c.name); fill != nil {
			fill[policy.UserHole] = c.user
			if clause, ok := bind(t, fill); ok {
				b.add(clause)
			}
		}
	}
	return b
}

// forUser gives the class for one login name.
func (c *class) forUser(user string) *class {
	if user == "" || user[0] == userHole {
		return c
	}
	texts := map[byte]string{userHole: identity.Fold(user)}
	named := &class{key: c.key}
	for i := range c.clauses {
		if b, ok := c.clauses[i].refill(texts); ok {
			named.add(b)
		}
	}
	return named
}
