package ldap

import (
	"context"
	"fmt"
	"slices"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Account reads the transitive groups of an entry, from the server of the proof while that is in service.
// The state of an account shows in its bind here, so nothing else is read again; maxAge is of no account.
func (b *Backend) Account(ctx context.Context, e directory.Entry, p directory.Proof, _ time.Duration) (directory.Account, error) {
	ctx, cancel := b.stage(ctx)
	defer cancel()
	readAt := b.options.Now()
	w := walk{backend: b, prefer: b.fleet.named(p.Server), seen: map[string]bool{}}
	f := w.run(ctx, e)
	if f != nil {
		if f.class == classAnswer && f.code == resultNoSuchObject && f.step == stepReadEntry {
			return directory.Account{}, b.refuse(identity.ReasonNotFound, e, "the entry is gone")
		}
		return directory.Account{}, b.unavailableFor(f, e)
	}
	groups, f := b.nameGroups(ctx, w.prefer, w.found)
	if f != nil {
		return directory.Account{}, b.unavailableFor(f, e)
	}
	return directory.Account{Groups: groups, PasswordChanged: e.PasswordChanged, ReadAt: readAt}, nil
}

// stepReadEntry is the step of reading the account's own entry.
const stepReadEntry = "read the entry"

// foundGroup is a group before its name is known to be unique.
type foundGroup struct {
	id, dn, name string
	key          string // normal form of dn; empty if it has none
}

// walk collects groups level by level.
type walk struct {
	backend *Backend
	prefer  *server
	seen    map[string]bool // by normal DN
	found   []foundGroup
}

// run collects the groups of an account.
func (w *walk) run(ctx context.Context, e directory.Entry) *serverError {
	var level []*goldap.Entry
	var f *serverError
	if w.backend.shape.method == MemberOf {
		level, f = w.memberOf(ctx, e)
	} else {
		level, f = w.membership(ctx, e)
	}
	for depth := 0; f == nil; depth++ {
		fresh := w.add(level)
		if len(fresh) == 0 || !w.backend.options.Groups.Nested {
			return nil
		}
		if depth >= w.backend.options.Groups.MaxDepth {
			return &serverError{class: classConfig, step: "read groups", text: fmt.Sprintf("groups are nested deeper than %d levels", depth)}
		}
		if w.backend.shape.method == MemberOf {
			level, f = w.groupsNamedBy(ctx, fresh)
		} else {
			level, f = w.groupsOfMembers(ctx, fresh)
		}
	}
	return f
}

// add notes the groups of a level and gives those that were not seen before.
func (w *walk) add(level []*goldap.Entry) []*goldap.Entry {
	var fresh []*goldap.Entry
	for _, e := range level {
		key, err := identity.NormalDN(e.DN)
		if err != nil {
			w.backend.log.Warn("group with a DN that cannot be read matches nothing", "dn", e.DN)
			continue
		}
		if w.seen[key] {
			continue
		}
		w.seen[key] = true
		fresh = append(fresh, e)
		w.found = append(w.found, foundGroup{
			id: first(e, w.backend.shape.idAttribute), dn: e.DN, key: key, name: nameOf(e, w.backend.shape.nameAttribute),
		})
	}
	return fresh
}

// membership searches the groups that name an account: by DN, by login name, or as its primary group.
func (w *walk) membership(ctx context.Context, e directory.Entry) ([]*goldap.Entry, *serverError) {
	s := &w.backend.shape
	filter := s.memberFilter([]string{e.DN})
	if !s.memberName {
		return w.search(ctx, filter.String())
	}
	uids := e.Attributes[s.uidAttribute]
	if len(uids) == 0 {
		uids = []string{e.Name}
	}
	for _, uid := range uids {
		filter.equal(memberUID, goldap.EscapeFilter(uid))
	}
	if gid := e.Attributes[s.gidAttribute]; len(gid) > 0 {
		filter.also("objectClass", "posixGroup", s.gidAttribute, goldap.EscapeFilter(gid[0]))
	}
	return w.search(ctx, filter.String())
}

// chunk is how many groups one search asks about.
const chunk = 200

// groupsOfMembers searches the groups that name one of the groups.
func (w *walk) groupsOfMembers(ctx context.Context, groups []*goldap.Entry) ([]*goldap.Entry, *serverError) {
	if len(w.backend.shape.memberDN) == 0 {
		return nil, nil // groups list login names only
	}
	dns := make([]string, len(groups))
	for i, g := range groups {
		dns[i] = g.DN
	}
	return w.inChunks(dns, func(part []string) ([]*goldap.Entry, *serverError) {
		return w.search(ctx, w.backend.shape.memberFilter(part).String())
	})
}

// inChunks asks about many values, some at a time.
func (w *walk) inChunks(values []string, ask func([]string) ([]*goldap.Entry, *serverError)) ([]*goldap.Entry, *serverError) {
	var all []*goldap.Entry
	for part := range slices.Chunk(values, chunk) {
		entries, f := ask(part)
		if f != nil {
			return nil, f
		}
		all = append(all, entries...)
	}
	return all, nil
}

// search searches groups, all of them or a fault, and stays with the server that answered.
func (w *walk) search(ctx context.Context, filter string) ([]*goldap.Entry, *serverError) {
	b := w.backend
	entries, s, f := b.searchAll(ctx, w.prefer, &goldap.SearchRequest{
		BaseDN: b.shape.memberships, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
		TimeLimit: b.timeLimit(), Filter: filter, Attributes: b.shape.groupAttributes,
	})
	if f != nil {
		return nil, groupsFault(f)
	}
	w.prefer = s
	return entries, nil
}

// groupsFault explains a search for groups that was answered with an error: it is never "no groups".
func groupsFault(f *serverError) *serverError {
	if f.class == classAnswer && f.code == resultNoSuchObject {
		return &serverError{class: classConfig, step: "search groups", text: "base_dn or groups.base_dn does not exist or may not be read", err: f}
	}
	return f
}
