package ldap

import (
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// A State is a way in which the entries of a directory say that an account may not log in.
type State string

// NoState looks at no attributes: the answer to a bind decides.
const NoState State = "none"

// ActiveDirectoryState is that of Active Directory and Samba: userAccountControl and its computed part, accountExpires
// and pwdLastSet.
const ActiveDirectoryState State = "active_directory"

// attributes gives what a state looks at, and the attribute that tells when the password changed; either may be
// nothing.
func (s State) attributes() (read []string, changed string) {
	if s == ActiveDirectoryState {
		return windowsAttributes(), passwordSet
	}
	return s.dialectAttributes()
}

// judge says why the account of an entry may not log in, and a text for operators. No reason means that nothing that
// was read speaks against it; an attribute that may not be read says nothing. Proven means that a bind has just
// succeeded.
func (s State) judge(e *goldap.Entry, now time.Time, proven bool) (reason identity.Reason, detail string) {
	if s == ActiveDirectoryState {
		return windowsRefusal(e, now)
	}
	return s.refusal(evidenceOf(e, now, proven))
}

// isHidden reports whether an entry lacks what every account has that may be read. In other dialects than that of Active
// Directory an attribute that is not there says that nothing speaks against the account.
func (s State) isHidden(e *goldap.Entry) bool {
	return s == ActiveDirectoryState && first(e, accountControl) == ""
}

// passwordChanged reads when the password of an entry last changed; zero where that cannot be told.
func (s State) passwordChanged(e *goldap.Entry) time.Time {
	_, attribute := s.attributes()
	if attribute == "" {
		return time.Time{}
	}
	if s == ActiveDirectoryState {
		t, _ := parseFiletime(first(e, attribute))
		return t.time()
	}
	return changed(first(e, attribute))
}
