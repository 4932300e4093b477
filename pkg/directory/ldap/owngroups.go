package ldap

import (
	"context"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// readsTogether reports whether one search can give an account's own entry and the groups that name it. That takes a
// server whose searches mean what their filters say, wherever the entries are: some smaller ones guess from a filter
// whether accounts or groups are meant.
func (s *shape) readsTogether(state State) bool {
	whole := state == PasswordPolicyState || state == NsAccountLockState
	return whole && s.method == MemberSearch && formOf(s.groupID) != sidID && within(s.users, s.memberships)
}

// ownFilter gives the filter that only the account's own entry matches. The name is there for servers that have no
// index of ids.
func (s *shape) ownFilter(e directory.Entry) (string, bool) {
	id, ok := s.idFilter(e.ID)
	name := newFilter(s.userFilter)
	name.equal(s.canonical, goldap.EscapeFilter(e.Name))
	return "(&" + name.String() + id + ")", ok
}

// ownEntry reads the account's own entry as it is now; its groups of the first level come with it where the server can
// give them in the same search and the entry is where it was.
func (w *walk) ownEntry(ctx context.Context, e directory.Entry) (own *goldap.Entry, err error) {
	b := w.backend
	if b.shape.ownWithGroups {
		own, f := w.withGroups(ctx, e)
		switch {
		case own != nil:
			return own, b.isStill(own, e)
		case f != nil && f.class != classAnswer:
			return nil, b.unavailableFor(f, e)
		}
	}
	own, w.prefer, err = b.ownEntry(ctx, w.prefer, e)
	return own, err
}

// withGroups searches the account's own entry and the groups that name it by its DN. No entry and no fault means that
// the entry is gone or elsewhere, so that the groups are not its own.
func (w *walk) withGroups(ctx context.Context, e directory.Entry) (*goldap.Entry, *serverError) {
	s := &w.backend.shape
	account, ok := s.ownFilter(e)
	if !ok {
		return nil, nil
	}
	request := w.groupSearch("(|" + account + s.membershipFilter(e, []string{e.DN}) + ")")
	request.Attributes = withoutRepeats(slices.Concat(s.ownAttributes, s.groupAttributes))
	entries, from, f := w.backend.searchAll(ctx, w.prefer, request)
	if f != nil {
		return nil, f
	}
	at := slices.IndexFunc(entries, func(x *goldap.Entry) bool { return idOf(x, s.idAttribute) == e.ID })
	if at < 0 || entries[at].DN != e.DN {
		return nil, nil
	}
	own := entries[at]
	if key, err := identity.NormalDN(own.DN); err == nil {
		w.seen[key] = true // nobody is a group of their own
	}
	groups := slices.Delete(entries, at, at+1)
	w.prefer, w.direct = from, &groups
	return own, nil
}
