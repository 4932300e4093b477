package ldap

import (
	"strconv"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// The attributes of Active Directory that say whether an account may log in.
const (
	accountControl  = "userAccountControl"
	computedControl = "msDS-User-Account-Control-Computed"
	accountExpires  = "accountExpires"
	passwordSet     = "pwdLastSet"
)

// Bits of userAccountControl and of its computed part ([MS-ADTS] sections 2.2.16 and 3.1.1.4.5.17).
const (
	controlDisabled        = 0x2
	controlLocked          = 0x10
	controlNeverExpires    = 0x10000
	controlPasswordExpired = 0x800000
)

// windowsAttributes are what tells the state of an account of Active Directory. Its logon hours and workstations are
// left to the bind: they depend on the domain controller's clock and on what it takes for the workstation.
func windowsAttributes() []string {
	return []string{accountControl, computedControl, accountExpires, passwordSet}
}

// windowsRefusal says why an account may not log in. What a locked account is, and when a password has expired, only
// the computed attribute tells: the plain one has no such bits, and lockoutTime stays after a lock has ended.
func windowsRefusal(e *goldap.Entry, now time.Time) (identity.Reason, string) {
	control, computed := bits(e, accountControl), bits(e, computedControl)
	expires, limited := parseFiletime(first(e, accountExpires))
	set, known := parseFiletime(first(e, passwordSet))
	switch {
	case control&controlDisabled != 0:
		return identity.ReasonDisabled, "userAccountControl says disabled"
	case limited && !expires.time().IsZero() && !now.Before(expires.time()):
		return identity.ReasonAccountExpired, "accountExpires is past"
	case computed&controlLocked != 0:
		return identity.ReasonLocked, "locked out now"
	case known && set == 0 && control&controlNeverExpires == 0:
		return identity.ReasonMustChange, "the password must be changed at the next logon"
	case computed&controlPasswordExpired != 0:
		return identity.ReasonPasswordExpired, "the password has expired"
	}
	return "", ""
}

// bits reads a number that is a set of bits; what cannot be read has none.
func bits(e *goldap.Entry, attribute string) uint32 {
	n, err := strconv.ParseInt(first(e, attribute), 10, 64)
	if err != nil {
		return 0
	}
	return uint32(n)
}
