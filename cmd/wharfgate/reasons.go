package main

import (
	"errors"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// reasonOf gives the reason of a refusal and, for operators, the directory's own words.
func reasonOf(err error) (identity.Reason, string) {
	if e, ok := errors.AsType[*identity.AccountError](err); ok {
		return e.Reason, e.Detail
	}
	if e, ok := errors.AsType[*identity.RetryError](err); ok {
		return e.Reason, e.Err.Error()
	}
	return identity.ReasonUnavailable, err.Error()
}

// speaker says whose words the detail of a refusal is.
func speaker(r identity.Reason) string {
	switch r {
	case identity.ReasonUnavailable, identity.ReasonTimeout, identity.ReasonBusy:
		return "the cause"
	default:
		return "the directory said"
	}
}

// meaning says what an operator can do about a reason.
func meaning(r identity.Reason) string {
	switch r {
	case identity.ReasonWrongPassword, identity.ReasonKnownWrongPassword:
		return "The directory refuses this password."
	case identity.ReasonNotFound:
		return "No entry matches this name; look at users.base_dn, users.filter and users.login_attributes."
	case identity.ReasonAmbiguous:
		return "More than one entry matches this name; narrow users.filter or users.login_attributes."
	case identity.ReasonBadName:
		return "This cannot be a login name: it is empty, too long, or holds control characters."
	case identity.ReasonLocked:
		return "The account is locked in the directory; unlock it there."
	case identity.ReasonDisabled:
		return "The account is disabled in the directory; enable it there."
	case identity.ReasonAccountExpired:
		return "The account has ended in the directory; prolong it there."
	case identity.ReasonHours:
		return "The directory lets this account in at other hours only; change its logon hours there."
	case identity.ReasonWorkstation:
		return "The directory lets this account in from other workstations only; add the gate's host to its userWorkstations."
	case identity.ReasonTooManyGroups:
		return "The account is in more groups than the domain controller can take at a logon; take it out of some."
	case identity.ReasonPasswordExpired, identity.ReasonMustChange:
		return "The password must be changed in the directory first."
	case identity.ReasonBanned:
		return "The directory refuses everything from this address for a while; take it out of its limit of failed binds."
	case identity.ReasonLimit:
		return "A limit or quota of the directory kept it from a whole answer; raise it there, or lower page_size."
	case identity.ReasonUnavailable, identity.ReasonTimeout, identity.ReasonBusy:
		return "The directory could not be asked, or not as it is configured; see: wharfgate check --online."
	default:
		return "The directory refuses this account."
	}
}
