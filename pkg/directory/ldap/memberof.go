package ldap

import (
	"context"
	"maps"
	"slices"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// readsAtOnce is how many single groups are read at the same time.
const readsAtOnce = 4

// distinguishedName is the attribute in which entries of Active Directory hold their own DN.
const distinguishedName = "distinguishedName"

// memberOf reads the groups that the account's own entry names, and its primary group.
func (w *walk) memberOf(ctx context.Context, own *goldap.Entry) ([]*goldap.Entry, *serverError) {
	dns, f := w.backend.allValues(ctx, w.prefer, own, w.backend.shape.memberOf)
	if f != nil {
		return nil, f
	}
	primary, has, f := w.primaryGroup(ctx, own)
	switch {
	case f != nil:
		return nil, f
	case has && primary.dn != "":
		dns = append(dns, primary.dn)
	case has:
		w.note(primary)
	}
	return w.groupsAt(ctx, dns)
}

// groupsNamedBy reads the groups that groups name.
func (w *walk) groupsNamedBy(ctx context.Context, entries []*goldap.Entry) ([]*goldap.Entry, *serverError) {
	var dns []string
	for _, e := range entries {
		values, f := w.backend.allValues(ctx, w.prefer, e, w.backend.shape.memberOf)
		if f != nil {
			return nil, f
		}
		dns = append(dns, values...)
	}
	return w.groupsAt(ctx, dns)
}

// groupsAt reads the groups with these DNs that are not known yet: in one search by DN where the server can do that,
// else one by one.
func (w *walk) groupsAt(ctx context.Context, dns []string) ([]*goldap.Entry, *serverError) {
	missing := map[string]string{} // by normal DN
	for _, dn := range dns {
		key, err := identity.NormalDN(dn)
		if err != nil {
			key = dn // the group counts by its id
		}
		if !w.seen[key] {
			missing[key] = dn
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	found, f := w.byDN(ctx, missing, w.backend.shape.kindOfGroup)
	if f == nil && w.backend.shape.kindOfGroup != "" && len(missing) > 0 {
		_, f = w.byDN(ctx, missing, "") // they can be read, and are not the kind of group that counts
	}
	if f != nil {
		return nil, f
	}
	rest, f := w.readEach(ctx, missing)
	return append(found, rest...), f
}

// byDN searches the entries with these DNs, and takes those that it finds out of the map.
func (w *walk) byDN(ctx context.Context, missing map[string]string, narrow string) ([]*goldap.Entry, *serverError) {
	found, f := w.inChunks(slices.Collect(maps.Values(missing)), func(part []string) ([]*goldap.Entry, *serverError) {
		return w.searchByDN(ctx, part, narrow)
	})
	for _, g := range found {
		if key, err := identity.NormalDN(g.DN); err == nil {
			delete(missing, key)
		}
	}
	return found, f
}

// searchByDN searches entries by an attribute that holds their own DN. A server that does not know the attribute
// finds nothing.
func (w *walk) searchByDN(ctx context.Context, dns []string, narrow string) ([]*goldap.Entry, *serverError) {
	b := w.backend
	filter := newFilter(narrow)
	for _, dn := range dns {
		filter.equal(b.shape.dnAttribute, goldap.EscapeFilter(dn))
	}
	entries, s, f := b.searchAll(ctx, w.prefer, &goldap.SearchRequest{
		BaseDN: b.options.BaseDN, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
		TimeLimit: b.timeLimit(), Filter: filter.String(), Attributes: b.shape.groupAttributes,
	})
	if f == nil {
		w.prefer = s
		return entries, nil
	}
	if f.class == classAnswer && f.code != resultSizeLimitExceeded && f.code != resultAdminLimitExceeded {
		return nil, nil
	}
	return nil, f
}

// readEach reads groups one by one. A group that may not be read still counts, by its DN alone.
func (w *walk) readEach(ctx context.Context, dns map[string]string) ([]*goldap.Entry, *serverError) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var entries []*goldap.Entry
	var fault *serverError
	turns := make(chan struct{}, readsAtOnce)
	for _, dn := range dns {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			e, f := w.read(ctx, dn, w.backend.shape.groupAttributes)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case f == nil:
				entries = append(entries, e)
			case f.class == classAnswer && (f.code == resultNoSuchObject || f.code == resultInsufficientAccess):
				entries = append(entries, &goldap.Entry{DN: dn})
			default:
				fault = f
			}
		})
	}
	wg.Wait()
	return entries, fault
}

// read reads one entry by its DN.
func (w *walk) read(ctx context.Context, dn string, attributes []string) (*goldap.Entry, *serverError) {
	return w.backend.read(ctx, w.prefer, dn, attributes)
}

// read reads one entry by its DN. An entry that may not be read is result 32, as most servers say themselves.
func (b *Backend) read(ctx context.Context, prefer *server, dn string, attributes []string) (*goldap.Entry, *serverError) {
	result, f := b.search(ctx, prefer, &goldap.SearchRequest{
		BaseDN: dn, Scope: goldap.ScopeBaseObject, DerefAliases: goldap.NeverDerefAliases, SizeLimit: 1,
		TimeLimit: b.timeLimit(), Filter: "(objectClass=*)", Attributes: attributes,
	})
	switch {
	case f != nil:
		return nil, f
	case len(result.Entries) == 0:
		return nil, &serverError{class: classAnswer, code: resultNoSuchObject, step: "read", text: "no such entry"}
	}
	return result.Entries[0], nil
}
