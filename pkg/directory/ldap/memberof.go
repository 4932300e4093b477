package ldap

import (
	"context"
	"strings"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// readsAtOnce is how many single groups are read at the same time.
const readsAtOnce = 4

// memberOf reads the groups that the account's own entry names.
func (w *walk) memberOf(ctx context.Context, e directory.Entry) ([]*goldap.Entry, *serverError) {
	entry, f := w.read(ctx, e.DN, []string{w.backend.shape.memberOf})
	if f != nil {
		f.step = stepReadEntry
		return nil, f
	}
	return w.groupsNamedBy(ctx, []*goldap.Entry{entry})
}

// groupsNamedBy reads the groups that the entries name and that are not known yet: in one search by DN where
// the server can do that, else one by one.
func (w *walk) groupsNamedBy(ctx context.Context, entries []*goldap.Entry) ([]*goldap.Entry, *serverError) {
	missing := map[string]string{} // by normal DN
	var dns []string
	for _, e := range entries {
		values, f := w.namesOf(e)
		if f != nil {
			return nil, f
		}
		for _, dn := range values {
			key, err := identity.NormalDN(dn)
			if err != nil || w.seen[key] || missing[key] != "" {
				continue
			}
			missing[key] = dn
			dns = append(dns, dn)
		}
	}
	found, f := w.inChunks(dns, func(part []string) ([]*goldap.Entry, *serverError) { return w.byDN(ctx, part) })
	if f != nil {
		return nil, f
	}
	for _, g := range found {
		if key, err := identity.NormalDN(g.DN); err == nil {
			delete(missing, key)
		}
	}
	rest, f := w.readEach(ctx, missing)
	return append(found, rest...), f
}

// namesOf gives the values of memberOf; values that came in part are a fault.
func (w *walk) namesOf(e *goldap.Entry) ([]string, *serverError) {
	ranged := w.backend.shape.memberOf + ";range="
	for _, a := range e.Attributes {
		if len(a.Name) > len(ranged) && strings.EqualFold(a.Name[:len(ranged)], ranged) {
			return nil, &serverError{class: classConfig, step: "read groups", text: "the server gives memberOf in parts: use groups.method member_search"}
		}
	}
	return e.GetEqualFoldAttributeValues(w.backend.shape.memberOf), nil
}

// byDN searches entries by an attribute that holds their own DN. A server that does not know the attribute
// finds nothing.
func (w *walk) byDN(ctx context.Context, dns []string) ([]*goldap.Entry, *serverError) {
	b := w.backend
	filter := newFilter("")
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
