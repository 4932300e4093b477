package ldap

import (
	"context"
	"slices"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// sidChunk is how many SIDs one search asks about: one search for nearly everybody, within the 1,000 entries
	// that Active Directory gives without pages.
	sidChunk = 500
	// foreignLife is how long it is remembered that no group was found for a SID.
	foreignLife = time.Minute
	maxForeign  = 20_000
)

// sidMemory remembers the groups that SIDs belong to.
type sidMemory struct {
	groups  *cache.Cache[sid, foundGroup]
	foreign *cache.Cache[sid, foundGroup] // of other domains, or nowhere below base_dn
}

// newSIDMemory makes an empty one.
func newSIDMemory(o *Options) (m sidMemory, err error) {
	if m.groups, err = cache.New[sid, foundGroup](cache.Options{Size: maxNames, TTL: nameLife, Now: o.Now, Rand: o.Rand}); err != nil {
		return m, err
	}
	m.foreign, err = cache.New[sid, foundGroup](cache.Options{Size: maxForeign, TTL: foreignLife, Now: o.Now, Rand: o.Rand})
	return m, err
}

// get gives what is known of a SID.
func (m sidMemory) get(s sid) (foundGroup, bool) {
	if hit := m.groups.Get(s); hit.State == cache.Fresh {
		return hit.Value, true
	}
	hit := m.foreign.Get(s)
	return hit.Value, hit.State == cache.Fresh
}

// forget drops all: a group has another name.
func (m sidMemory) forget() {
	m.groups.RemoveFunc(func(sid, foundGroup) bool { return true })
}

// groupsOf gives the group of each SID, asking about all that are not known together.
func (w *walk) groupsOf(ctx context.Context, sids []sid) ([]foundGroup, *serverError) {
	memory := w.backend.sids
	found := make([]foundGroup, 0, len(sids))
	var unknown []sid
	for _, s := range sids {
		if g, ok := memory.get(s); ok {
			found = append(found, g)
		} else {
			unknown = append(unknown, s)
		}
	}
	for part := range slices.Chunk(unknown, sidChunk) {
		named, f := w.lookUp(ctx, part)
		if f != nil {
			return nil, f
		}
		for _, s := range part {
			g, ok := named[s]
			if ok {
				memory.groups.Add(s, g)
			} else {
				g = foundGroup{id: s.String()}
				memory.foreign.Add(s, g)
			}
			found = append(found, g)
		}
	}
	return found, nil
}

// lookUp searches the groups with the SIDs.
func (w *walk) lookUp(ctx context.Context, sids []sid) (map[sid]foundGroup, *serverError) {
	shape := &w.backend.shape
	filter := newFilter(shape.groupFilter)
	for _, s := range sids {
		filter.equal(shape.groupID, escapeBytes([]byte(s)))
	}
	entries, f := w.search(ctx, filter.String())
	if f != nil {
		return nil, f
	}
	named := make(map[sid]foundGroup, len(entries))
	for _, e := range entries {
		if raw := e.GetEqualFoldRawAttributeValues(shape.groupID); len(raw) == 1 {
			if s, err := newSID(raw[0]); err == nil {
				named[s] = w.backend.groupOf(e)
			}
		}
	}
	return named, nil
}

// groupOf reads a group's entry. A group with a DN that cannot be parsed counts by its id, and one that every Windows
// machine has of its own has no name: its members change with the roles of machines.
func (b *Backend) groupOf(e *goldap.Entry) foundGroup {
	g := foundGroup{id: idOf(e, b.shape.groupID), dn: e.DN, name: nameOf(e, b.shape.nameAttribute)}
	if key, err := identity.NormalDN(e.DN); err == nil {
		g.key = key
	}
	if s, err := parseSID(g.id); err == nil && s.builtin() {
		g.name = ""
	}
	return g
}
