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

// Account reads whether an account may log in and its transitive groups, from the server of the proof while that is in
// service. A directory whose entries tell nothing of an account's state is not asked for it: there the bind decides.
// A Backend has no memory of accounts, so maxAge is of no account.
func (b *Backend) Account(ctx context.Context, e directory.Entry, p directory.Proof, _ time.Duration) (directory.Account, error) {
	ctx, cancel := b.stage(ctx)
	defer cancel()
	account := directory.Account{PasswordChanged: e.PasswordChanged, ReadAt: b.options.Now()}
	w := walk{backend: b, prefer: b.fleet.named(p.Server), seen: map[string]bool{}}
	var own *goldap.Entry
	if b.shape.readsOwn {
		var err error
		if own, err = w.ownEntry(ctx, e); err != nil {
			return directory.Account{}, err
		}
		if reason, detail := b.judge(ctx, own, !p.IsZero()); reason != "" {
			return directory.Account{}, b.refuse(reason, e, detail)
		}
		e.DN, account.PasswordChanged = own.DN, b.options.Users.State.passwordChanged(own)
		account.Unjudged = b.options.Users.State.isHidden(own)
	}
	f := w.run(ctx, e, own)
	if f == nil {
		account.Groups, f = b.nameGroups(ctx, w.prefer, w.found)
	}
	if f != nil {
		return directory.Account{}, b.unavailableFor(f, e)
	}
	return account, nil
}

// judge says why the account of an entry may not log in, and a text for operators; no reason means that nothing speaks
// against it. Proven means that a bind has just succeeded.
func (b *Backend) judge(ctx context.Context, own *goldap.Entry, proven bool) (reason identity.Reason, detail string) {
	reason, detail = b.options.Users.State.judge(own, b.options.Now(), proven)
	if reason != "" || proven {
		return reason, detail
	}
	if detail = b.outlived(ctx, own); detail != "" {
		reason = identity.ReasonPasswordExpired
	}
	return reason, detail
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
	direct  *[]*goldap.Entry // the first level, if it came with the account's own entry
}

// run collects the groups of an account. Own is its entry as it is now; nil where it need not be read.
func (w *walk) run(ctx context.Context, e directory.Entry, own *goldap.Entry) *serverError {
	switch w.backend.shape.method {
	case TokenGroups:
		return w.tokenGroups(ctx, own)
	case InChain:
		level, f := w.chainSearch(ctx, own)
		w.add(level)
		return f
	case MemberOf:
		level, f := w.memberOf(ctx, own)
		return w.climb(ctx, level, f, w.groupsNamedBy)
	default:
		if w.direct != nil {
			return w.climb(ctx, *w.direct, nil, w.groupsOfMembers)
		}
		level, f := w.membership(ctx, e, own)
		return w.climb(ctx, level, f, w.groupsOfMembers)
	}
}

// climb goes on from one level of groups to the next until there are no new ones.
func (w *walk) climb(ctx context.Context, level []*goldap.Entry, f *serverError, next func(context.Context, []*goldap.Entry) ([]*goldap.Entry, *serverError)) *serverError {
	for depth := 0; f == nil; depth++ {
		fresh := w.add(level)
		if len(fresh) == 0 || !w.backend.options.Groups.Nested {
			return nil
		}
		if depth >= w.backend.options.Groups.MaxDepth {
			return &serverError{class: classConfig, step: "read groups", text: fmt.Sprintf("groups are nested deeper than %d levels", depth)}
		}
		level, f = next(ctx, fresh)
	}
	return f
}

// add notes the groups of a level and gives those that were not seen before.
func (w *walk) add(level []*goldap.Entry) []*goldap.Entry {
	var fresh []*goldap.Entry
	for _, e := range level {
		g := w.backend.groupOf(e)
		if g.key == "" {
			w.backend.log.Warn("group with a DN that cannot be read counts by its id alone", "dn", e.DN)
		}
		if w.note(g) {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// note keeps a group, and reports whether it is new.
func (w *walk) note(g foundGroup) bool {
	key := orElse(g.key, g.id)
	if w.seen[key] {
		return false
	}
	w.seen[key] = true
	w.found = append(w.found, g)
	return true
}

// membership searches the groups that name an account: by DN, by login name, or as its primary group.
func (w *walk) membership(ctx context.Context, e directory.Entry, own *goldap.Entry) ([]*goldap.Entry, *serverError) {
	s := &w.backend.shape
	dns := []string{e.DN}
	if primary, has, f := w.primaryGroup(ctx, own); f != nil {
		return nil, f
	} else if has {
		w.note(primary)
		if primary.dn != "" {
			dns = append(dns, primary.dn)
		}
	}
	return w.search(ctx, s.membershipFilter(e, dns))
}

// membershipFilter gives the filter that finds the groups that name an account, or one of the entries with these DNs.
func (s *shape) membershipFilter(e directory.Entry, dns []string) string {
	filter := s.memberFilter(dns)
	if !s.memberName {
		return filter.String()
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
	return filter.String()
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
	entries, s, f := w.backend.searchAll(ctx, w.prefer, w.groupSearch(filter))
	if f != nil {
		return nil, groupsFault(f)
	}
	w.prefer = s
	return entries, nil
}

// groupSearch is a search for groups wherever they count.
func (w *walk) groupSearch(filter string) *goldap.SearchRequest {
	b := w.backend
	return &goldap.SearchRequest{
		BaseDN: b.shape.memberships, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
		TimeLimit: b.timeLimit(), Filter: filter, Attributes: b.shape.groupAttributes,
	}
}

// groupsFault explains a search for groups that was answered with an error: it is never "no groups".
func groupsFault(f *serverError) *serverError {
	if f.class == classAnswer && f.code == resultNoSuchObject {
		return &serverError{class: classConfig, step: "search groups", text: "base_dn or groups.base_dn does not exist or may not be read", err: f}
	}
	return f
}
