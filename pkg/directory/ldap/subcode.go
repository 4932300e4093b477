package ldap

import (
	"strings"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// subcode gives the Windows error that Active Directory names in the text of a refused bind, in lower case, as in
// "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1". Empty means none.
func subcode(text string) string {
	const before, most = "AcceptSecurityContext error, data ", 8
	_, rest, ok := strings.Cut(text, before)
	if !ok {
		return ""
	}
	code, _, ok := strings.Cut(rest, ",")
	if !ok || len(code) > most {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(code))
}

// windowsVerdict says what the sub-code of a bind that was refused with result 49 means ([MS-ERREF] section 2.2).
// No reason means that the text says nothing about it. All but 52e, 525 and 775 are answered to the right password
// only; 775 is answered to every password, and such a bind is no longer counted by the domain.
func windowsVerdict(text string) (guard.Outcome, identity.Reason) {
	switch subcode(text) {
	case "52e": // ERROR_LOGON_FAILURE
		return guard.Wrong, identity.ReasonWrongPassword
	case "525": // ERROR_NO_SUCH_USER
		return guard.Refused, identity.ReasonNotFound
	case "52f": // ERROR_ACCOUNT_RESTRICTION
		return guard.Refused, identity.ReasonRestricted
	case "530": // ERROR_INVALID_LOGON_HOURS
		return guard.Refused, identity.ReasonHours
	case "531": // ERROR_INVALID_WORKSTATION
		return guard.Refused, identity.ReasonWorkstation
	case "532": // ERROR_PASSWORD_EXPIRED
		return guard.Refused, identity.ReasonPasswordExpired
	case "533": // ERROR_ACCOUNT_DISABLED
		return guard.Refused, identity.ReasonDisabled
	case "568": // ERROR_TOO_MANY_CONTEXT_IDS
		return guard.Refused, identity.ReasonTooManyGroups
	case "701": // ERROR_ACCOUNT_EXPIRED
		return guard.Refused, identity.ReasonAccountExpired
	case "773": // ERROR_PASSWORD_MUST_CHANGE
		return guard.Refused, identity.ReasonMustChange
	case "775": // ERROR_ACCOUNT_LOCKED_OUT
		return guard.Refused, identity.ReasonLocked
	default:
		return guard.Wrong, ""
	}
}
