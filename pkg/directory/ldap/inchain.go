package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"
)

// inChain is the matching rule that follows links to their end (LDAP_MATCHING_RULE_TRANSITIVE_EVAL, [MS-ADTS]
// section 3.1.1.3.4.4.3).
const inChain = "1.2.840.113556.1.4.1941"

// activeDirectory is the capability by which a server says that it is Active Directory ([MS-ADTS] section 3.1.1.3.4.3.1).
const activeDirectory = "1.2.840.113556.1.4.800"

// chainSearch searches all groups above an account and its primary group. A server without the rule must not be asked:
// OpenLDAP answers such a search with success and no entries.
func (w *walk) chainSearch(ctx context.Context, own *goldap.Entry) ([]*goldap.Entry, *serverError) {
	shape := &w.backend.shape
	filter := newFilter(shape.groupFilter)
	filter.equal("member:"+inChain+":", goldap.EscapeFilter(own.DN))
	primary, has, f := w.primaryGroup(ctx, own)
	if f != nil {
		return nil, f
	}
	if has && primary.dn != "" {
		filter.equal("member:"+inChain+":", goldap.EscapeFilter(primary.dn))
		w.note(primary)
	}
	var entries []*goldap.Entry
	s, f := w.backend.ask(ctx, w.prefer, func(ctx context.Context, s *server) *serverError {
		f := s.knowsChains(ctx)
		if f == nil {
			entries, f = s.searchWhole(ctx, w.groupSearch(filter.String()))
		}
		return f
	})
	if f != nil {
		return nil, groupsFault(f)
	}
	w.prefer = s
	return entries, nil
}

// knowsChains looks whether a server has the rule, once.
func (s *server) knowsChains(ctx context.Context) *serverError {
	if s.chains.Load() {
		return nil
	}
	root, f := s.search(ctx, rootDSE(s.backend.timeLimit(), rootAttributes()...))
	if f != nil {
		return f
	}
	if len(root.Entries) != 1 {
		return recognition{}.unfit(InChain)
	}
	if f := recognize(root.Entries[0]).unfit(InChain); f != nil {
		return f
	}
	s.chains.Store(true)
	return nil
}
