package ldap

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// nameLife is how long it is remembered who holds a group name.
	nameLife = 5 * time.Minute
	// maxNames bounds how many names are remembered.
	maxNames = 20_000
	// maxGroups bounds how many groups accounts share, and groupLife how long a group is kept for others.
	maxGroups = 20_000
	groupLife = 24 * time.Hour
)

// nameGroups makes groups of what was found, and names those below the groups base DN whose name no other
// group there has. Names whose holder is not remembered are looked up together.
func (b *Backend) nameGroups(ctx context.Context, prefer *server, found []foundGroup) ([]identity.Group, *serverError) {
	holder := map[string]string{}  // folded name -> normal DN of its one holder, or nothing
	unknown := map[string]string{} // folded name -> name
	for _, g := range found {
		if g.name == "" || !b.inScope(g.key) {
			continue
		}
		folded := identity.Fold(g.name)
		if b.shape.uniqueNames {
			holder[folded] = g.key
			continue
		}
		hit := b.names.Get(folded)
		holder[folded] = hit.Value
		if hit.State != cache.Fresh || hit.Value != "" && hit.Value != g.key {
			unknown[folded] = g.name
		}
	}
	if f := b.learnNames(ctx, prefer, unknown, holder); f != nil {
		return nil, f
	}
	groups := make([]identity.Group, len(found))
	for i, g := range found {
		switch {
		case g.name == "" || !b.inScope(g.key):
			groups[i] = b.shared(identity.NewGroup, g.id, g.dn, "")
		case holder[identity.Fold(g.name)] == g.key:
			groups[i] = b.shared(identity.NewGroup, g.id, g.dn, g.name)
		default:
			groups[i] = b.shared(identity.NewContestedGroup, g.id, g.dn, g.name)
		}
	}
	return groups, nil
}

// shared gives the group that accounts share, as long as the directory says the same of it: ten thousand
// accounts have few groups between them, and each account has many.
func (b *Backend) shared(newGroup func(id, dn, name string) identity.Group, id, dn, name string) identity.Group {
	g := newGroup(id, dn, name)
	key := orElse(dn, id)
	if hit := b.groups.Get(key); hit.State == cache.Fresh && hit.Value.ID == id && hit.Value.Name == g.Name &&
		hit.Value.ContestedKey() == g.ContestedKey() {
		return hit.Value
	}
	b.groups.Add(key, g)
	return g
}

// inScope reports whether a DN in its normal form is below the groups base DN.
func (b *Backend) inScope(key string) bool {
	return b.shape.groupsKey != "" && strings.HasSuffix(key, ","+b.shape.groupsKey)
}

// learnNames searches who holds the names, notes it in holder, and remembers it.
func (b *Backend) learnNames(ctx context.Context, prefer *server, unknown, holder map[string]string) *serverError {
	if len(unknown) == 0 {
		return nil
	}
	holders := map[string][]string{} // folded name -> normal DNs
	for part := range slices.Chunk(slices.Sorted(maps.Values(unknown)), chunk) {
		entries, s, f := b.searchAll(ctx, prefer, &goldap.SearchRequest{
			BaseDN: b.shape.groups, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
			TimeLimit: b.timeLimit(), Filter: b.shape.equalFilter(b.shape.nameAttribute, part), Attributes: []string{b.shape.nameAttribute},
		})
		if f != nil {
			return groupsFault(f)
		}
		prefer = s
		for _, e := range entries {
			b.addHolder(holders, e)
		}
	}
	for folded, name := range unknown {
		key := ""
		if keys := holders[folded]; len(keys) == 1 {
			key = keys[0]
		} else if len(keys) > 1 {
			b.log.WarnContext(ctx, "groups have one name, so that none matches it", "group", name, "groups", len(keys))
			b.options.Observer.ambiguousGroup(name)
		}
		holder[folded] = key
		b.names.Add(folded, key)
	}
	return nil
}

// addHolder notes every name that a group has.
func (b *Backend) addHolder(holders map[string][]string, e *goldap.Entry) {
	key, err := identity.NormalDN(e.DN)
	if err != nil || !b.inScope(key) {
		return
	}
	for _, v := range e.GetEqualFoldAttributeValues(b.shape.nameAttribute) {
		folded := identity.Fold(v)
		if !slices.Contains(holders[folded], key) {
			holders[folded] = append(holders[folded], key)
		}
	}
}

// nameOf gives a group's short name: the value that its RDN has, as that one cannot be given to it beside
// another; else the first value.
func nameOf(e *goldap.Entry, attribute string) string {
	values := e.GetEqualFoldAttributeValues(attribute)
	if len(values) < 2 {
		return first(e, attribute)
	}
	dn, err := goldap.ParseDN(e.DN)
	if err != nil || len(dn.RDNs) == 0 {
		return values[0]
	}
	for _, a := range dn.RDNs[0].Attributes {
		if strings.EqualFold(a.Type, attribute) {
			return a.Value
		}
	}
	return values[0]
}
