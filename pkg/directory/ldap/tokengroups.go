package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"
)

// tokenGroupsAttribute holds the SIDs of all security groups of an account, as its logon token would have them: nested
// ones, the primary group, groups of every scope ([MS-ADTS] section 3.1.1.4.5.19). It is given in a base read only.
const tokenGroupsAttribute = "tokenGroups"

// tokenGroups reads the groups of an account out of its own entry, and looks up those that are not known by now.
// Groups that are not found below base_dn, as those of other domains, count by their id.
func (w *walk) tokenGroups(ctx context.Context, own *goldap.Entry) *serverError {
	raw := own.GetEqualFoldRawAttributeValues(tokenGroupsAttribute)
	if len(raw) == 0 { // every account has a primary group
		return noTokenGroups()
	}
	sids := make([]sid, len(raw))
	for i, value := range raw {
		s, err := newSID(value)
		if err != nil {
			return &serverError{class: classConfig, step: "read " + tokenGroupsAttribute, err: err}
		}
		sids[i] = s
	}
	found, f := w.groupsOf(ctx, sids)
	w.found = append(w.found, found...)
	return f
}

// noTokenGroups is the fault of an account without any.
func noTokenGroups() *serverError {
	return &serverError{
		class: classConfig, step: "read " + tokenGroupsAttribute,
		text: "the server gives none: let the service account read it, or use another groups.method",
	}
}
