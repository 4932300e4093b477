package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// byGUID is the form of a DN that names an entry by its objectGUID ([MS-ADTS] section 3.1.1.3.1.2.4): whoever has the
// entry's DN by now, it is never meant.
func byGUID(id string) string { return "<GUID=" + id + ">" }

// ownEntry reads the entry of an account as it is now, by its id: what says whether it may log in, and what its
// groups begin with. It is a base read, the only search in which Active Directory gives tokenGroups. An entry that is
// gone, has got another name, or is no account any more is an error that says not_found.
func (b *Backend) ownEntry(ctx context.Context, prefer *server, e directory.Entry) (*goldap.Entry, *server, error) {
	base := e.DN
	if formOf(b.shape.idAttribute) == guidID {
		base = byGUID(e.ID)
	}
	filter, ok := b.shape.idFilter(e.ID)
	if !ok {
		return nil, nil, b.refuse(identity.ReasonNotFound, e, "its id is none")
	}
	entries, s, f := b.searchAll(ctx, prefer, &goldap.SearchRequest{
		BaseDN: base, Scope: goldap.ScopeBaseObject, DerefAliases: goldap.NeverDerefAliases,
		TimeLimit: b.timeLimit(), Filter: filter, Attributes: b.shape.ownAttributes,
	})
	switch {
	case f != nil && f.class == classAnswer && f.code == resultNoSuchObject, f == nil && len(entries) == 0:
		return nil, nil, b.refuse(identity.ReasonNotFound, e, "the entry is gone, or is no account any more")
	case f != nil:
		return nil, nil, b.unavailableFor(f, e)
	case len(entries) != 1 || idOf(entries[0], b.shape.idAttribute) != e.ID:
		return nil, nil, b.unavailableFor(&serverError{class: classConfig, step: stepReadEntry, text: "the server gave another entry"}, e)
	}
	return entries[0], s, b.isStill(entries[0], e)
}

// isStill says no if the entry with an account's id is not where accounts are any more, or has another name.
func (b *Backend) isStill(own *goldap.Entry, e directory.Entry) error {
	switch {
	case !within(own.DN, b.shape.users):
		return b.refuse(identity.ReasonNotFound, e, "the entry has left users.base_dn")
	case identity.Fold(nameOf(own, b.shape.canonical)) != identity.Fold(e.Name):
		return b.refuse(identity.ReasonNotFound, e, "the entry has another name by now")
	}
	return nil
}
