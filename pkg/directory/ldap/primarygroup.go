package ldap

import (
	"context"
	"strconv"

	goldap "github.com/go-ldap/ldap/v3"
)

// primaryGroupID holds the last part of the SID of an account's primary group, which is in no member list.
const primaryGroupID = "primaryGroupID"

// primaryGroup gives the primary group of an account of Active Directory from its own entry; false where the
// directory has no such thing. One that cannot be told is a fault: groups must not be missing silently.
func (w *walk) primaryGroup(ctx context.Context, own *goldap.Entry) (foundGroup, bool, *serverError) {
	if formOf(w.backend.shape.groupID) != sidID {
		return foundGroup{}, false, nil
	}
	raw := own.GetEqualFoldRawAttributeValues(w.backend.shape.groupID)
	rid, err := strconv.ParseUint(first(own, primaryGroupID), 10, 32)
	if len(raw) != 1 || err != nil {
		return foundGroup{}, false, &serverError{
			class: classConfig, step: "read the primary group",
			text: "the service account may not read " + primaryGroupID + " and " + w.backend.shape.groupID + " of accounts: give it the right",
		}
	}
	s, err := newSID(raw[0])
	if err == nil {
		s, err = s.sibling(uint32(rid))
	}
	if err != nil {
		return foundGroup{}, false, &serverError{class: classConfig, step: "read the primary group", err: err}
	}
	groups, f := w.groupsOf(ctx, []sid{s})
	if f != nil {
		return foundGroup{}, false, f
	}
	return groups[0], true, nil
}
