package ldap

import (
	"context"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// FindGroup finds groups by DN, by id, or by short name below the groups base DN. A name that several groups
// have gives all of them, none with a Name. A text that cannot be any of these names no group.
func (b *Backend) FindGroup(ctx context.Context, nameOrDN string) ([]identity.Group, error) {
	if !validText(nameOrDN, maxGroupText) {
		return nil, nil
	}
	ctx, cancel := b.stage(ctx)
	defer cancel()
	entries, s, f := b.groupEntries(ctx, nameOrDN)
	if f != nil {
		return nil, b.unavailable(groupsFault(f))
	}
	w := walk{backend: b, seen: map[string]bool{}}
	w.add(entries)
	groups, f := b.nameGroups(ctx, s, w.found)
	if f != nil {
		return nil, b.unavailable(f)
	}
	return groups, nil
}

// groupEntries searches the entries that a text names.
func (b *Backend) groupEntries(ctx context.Context, text string) ([]*goldap.Entry, *server, *serverError) {
	if _, err := identity.NormalDN(text); err == nil {
		e, f := b.read(ctx, nil, text, b.shape.groupAttributes)
		switch {
		case f == nil:
			return []*goldap.Entry{e}, nil, nil
		case f.class == classAnswer && (f.code == resultNoSuchObject || f.code == resultInvalidDNSyntax):
			return nil, nil, nil
		}
		return nil, nil, f
	}
	filter := newFilter(b.shape.groupFilter)
	for _, a := range b.shape.groupIDs {
		if value, ok := idValue(a, text); ok {
			filter.equal(a, value)
		}
	}
	filter.equal(b.shape.nameAttribute, goldap.EscapeFilter(text))
	entries, s, f := b.searchAll(ctx, nil, &goldap.SearchRequest{
		BaseDN: b.options.BaseDN, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
		TimeLimit: b.timeLimit(), Filter: filter.String(), Attributes: b.shape.groupAttributes,
	})
	return slices.DeleteFunc(entries, func(e *goldap.Entry) bool { return !b.isNamed(e, text) }), s, f
}

// isNamed reports whether a text is the id of a group, or its name inside the scope of names.
func (b *Backend) isNamed(e *goldap.Entry, text string) bool {
	if slices.ContainsFunc(b.shape.groupIDs, func(a string) bool { return idOf(e, a) == text }) {
		return true
	}
	key, err := identity.NormalDN(e.DN)
	return err == nil && b.inScope(key) && slices.ContainsFunc(e.GetEqualFoldAttributeValues(b.shape.nameAttribute),
		func(v string) bool { return identity.Fold(v) == identity.Fold(text) })
}
