package ldap

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// nameLife is how long it is remembered who holds a group name.
	nameLife = 5 * time.Minute
	// maxNames bounds how many names are remembered.
	maxNames = 20_000
)

// nameMemory remembers which group holds a name below the groups base DN.
type nameMemory struct {
	mu     sync.Mutex
	byName map[string]nameHolder // by folded name
}

// nameHolder is who holds a name.
type nameHolder struct {
	key   string // normal DN of the one group; empty where several have the name
	until time.Time
}

// newNameMemory makes an empty memory.
func newNameMemory() *nameMemory { return &nameMemory{byName: map[string]nameHolder{}} }

// holder gives who holds a name, as far as it is remembered.
func (m *nameMemory) holder(name string, now time.Time) (nameHolder, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.byName[name]
	return h, ok && now.Before(h.until)
}

// remember notes who holds a name. A full memory first drops what has ended, and then anything.
func (m *nameMemory) remember(name, key string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.byName) >= maxNames {
		maps.DeleteFunc(m.byName, func(_ string, h nameHolder) bool { return !now.Before(h.until) })
	}
	for victim := range m.byName {
		if len(m.byName) < maxNames {
			break
		}
		delete(m.byName, victim)
	}
	m.byName[name] = nameHolder{key: key, until: now.Add(nameLife)}
}

// nameGroups makes groups of what was found, and names those below the groups base DN whose name no other
// group there has. Names that are not remembered are looked up together.
func (b *Backend) nameGroups(ctx context.Context, prefer *server, found []foundGroup) ([]identity.Group, *serverError) {
	now := b.options.Now()
	unknown := map[string]string{} // folded name -> name
	for _, g := range found {
		if g.name == "" || !b.inScope(g.key) {
			continue
		}
		folded := identity.Fold(g.name)
		if h, ok := b.names.holder(folded, now); !ok || h.key != "" && h.key != g.key {
			unknown[folded] = g.name
		}
	}
	if f := b.learnNames(ctx, prefer, unknown); f != nil {
		return nil, f
	}
	groups := make([]identity.Group, len(found))
	for i, g := range found {
		name := ""
		if g.name != "" && b.inScope(g.key) {
			if h, ok := b.names.holder(identity.Fold(g.name), now); ok && h.key == g.key {
				name = g.name
			}
		}
		groups[i] = identity.NewGroup(g.id, g.dn, name)
	}
	return groups, nil
}

// inScope reports whether a DN in its normal form is below the groups base DN.
func (b *Backend) inScope(key string) bool {
	return b.shape.groupsKey != "" && strings.HasSuffix(key, ","+b.shape.groupsKey)
}

// learnNames searches who holds the names, and remembers it.
func (b *Backend) learnNames(ctx context.Context, prefer *server, unknown map[string]string) *serverError {
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
	now := b.options.Now()
	for folded, name := range unknown {
		keys := holders[folded]
		if len(keys) == 1 {
			b.names.remember(folded, keys[0], now)
			continue
		}
		b.names.remember(folded, "", now)
		if len(keys) > 1 {
			b.log.Warn("two groups have one name, so that neither matches it", "group", name)
			b.options.Observer.ambiguousGroup(name)
		}
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
