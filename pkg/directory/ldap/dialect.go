package ldap

import (
	"slices"
	"strconv"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// The dialects beside NoState and ActiveDirectoryState.
const (
	// PasswordPolicyState is the password policy of draft-behera-ldap-password-policy as OpenLDAP keeps it, and
	// shadowExpire of RFC 2307.
	PasswordPolicyState State = "ppolicy"
	// NsAccountLockState is that of 389 Directory Server.
	NsAccountLockState State = "nsaccountlock"
	// FreeIPAState is nsAccountLock and the times at which a Kerberos password or principal expires: FreeIPA lets
	// such accounts bind.
	FreeIPAState State = "freeipa"
	// GLAuthState is accountStatus.
	GLAuthState State = "glauth"
	// AuthentikState is ak-active.
	AuthentikState State = "authentik"
	// OktaState is organizationalStatus.
	OktaState State = "okta"
)

// states lists every dialect.
func states() []State {
	return []State{
		NoState, ActiveDirectoryState, PasswordPolicyState, NsAccountLockState, FreeIPAState, GLAuthState, AuthentikState, OktaState,
	}
}

// evidence is what an entry is judged by.
type evidence struct {
	values func(attribute string) []string
	now    time.Time
	proven bool // a bind has just succeeded, which a server's own locks would have prevented
}

// evidenceOf gives the evidence of an entry.
func evidenceOf(e *goldap.Entry, now time.Time, proven bool) evidence {
	return evidence{values: e.GetEqualFoldAttributeValues, now: now, proven: proven}
}

// dialectAttributes gives the attributes that a dialect other than that of Active Directory reads, and the one that
// tells when the password changed.
func (s State) dialectAttributes() (read []string, changed string) {
	switch s {
	case PasswordPolicyState:
		return []string{"pwdReset", "pwdAccountLockedTime", "pwdStartTime", "pwdEndTime", "shadowExpire", policySubentry, graceUses}, passwordTime
	case NsAccountLockState:
		return []string{"nsAccountLock", "accountUnlockTime", "passwordExpirationTime"}, "pwdUpdateTime"
	case FreeIPAState:
		return []string{"nsAccountLock", "krbPasswordExpiration", "krbPrincipalExpiration"}, "krbLastPwdChange"
	case GLAuthState:
		return []string{"accountStatus"}, ""
	case AuthentikState:
		return []string{"ak-active", "goauthentik.io/ldap/active"}, ""
	case OktaState:
		return []string{"organizationalStatus"}, ""
	default:
		return nil, passwordTime
	}
}

// PasswordChangedAttribute names the attribute that tells when a password changed; empty where nothing does.
func (s State) PasswordChangedAttribute() string {
	if s == ActiveDirectoryState {
		return passwordSet
	}
	_, changed := s.dialectAttributes()
	return changed
}

// refusal says why an entry's account may not log in, with the attribute that says so; no reason means that
// nothing was found against it. An attribute that is there and cannot be read speaks against the account.
func (s State) refusal(e evidence) (reason identity.Reason, detail string) {
	for _, test := range s.tests() {
		if test.unproven && e.proven {
			continue
		}
		for _, v := range e.values(test.attribute) {
			if test.refuses(strings.TrimSpace(v), e.now) {
				return test.reason, test.attribute + " is " + printable(v)
			}
		}
	}
	return "", ""
}

// stateTest is one attribute that can speak against an account.
type stateTest struct {
	attribute string
	refuses   func(value string, now time.Time) bool
	reason    identity.Reason
	unproven  bool // a bind that succeeded overrules it
}

// tests gives what a dialect looks at, the plainest reason first.
func (s State) tests() []stateTest {
	locked := stateTest{"nsAccountLock", isTrue, identity.ReasonDisabled, false}
	switch s {
	case PasswordPolicyState:
		return []stateTest{
			{"pwdReset", isTrue, identity.ReasonMustChange, false},
			{"pwdAccountLockedTime", anything, identity.ReasonLocked, true},
			{"pwdStartTime", isAhead, identity.ReasonAccountExpired, false},
			{"pwdEndTime", isPast, identity.ReasonAccountExpired, false},
			{"shadowExpire", isPastDay, identity.ReasonAccountExpired, false},
		}
	case NsAccountLockState:
		return []stateTest{
			locked,
			{"accountUnlockTime", staysLocked, identity.ReasonLocked, true},
			{"passwordExpirationTime", isEpoch, identity.ReasonMustChange, true},
			{"passwordExpirationTime", isPast, identity.ReasonPasswordExpired, true},
		}
	case FreeIPAState:
		return []stateTest{
			locked,
			{"krbPrincipalExpiration", isPast, identity.ReasonAccountExpired, false},
			{"krbPasswordExpiration", isPast, identity.ReasonPasswordExpired, false},
		}
	case GLAuthState:
		return []stateTest{{"accountStatus", is("inactive"), identity.ReasonDisabled, false}}
	case AuthentikState:
		return []stateTest{
			{"ak-active", isFalse, identity.ReasonDisabled, false},
			{"goauthentik.io/ldap/active", isFalse, identity.ReasonDisabled, false},
		}
	case OktaState:
		const status = "organizationalStatus"
		return []stateTest{
			{status, is("LOCKED_OUT"), identity.ReasonLocked, false},
			{status, is("PASSWORD_EXPIRED"), identity.ReasonPasswordExpired, false},
			{status, is("SUSPENDED", "DEPROVISIONED", "STAGED"), identity.ReasonDisabled, false},
		}
	default:
		return nil
	}
}

// is gives a test for words, compared without case.
func is(words ...string) func(string, time.Time) bool {
	return func(v string, _ time.Time) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(v, w) })
	}
}

// isTrue holds for everything but a clear no.
func isTrue(v string, _ time.Time) bool { return !strings.EqualFold(v, "FALSE") && v != "" }

// isFalse holds for everything but a clear yes.
func isFalse(v string, _ time.Time) bool { return !strings.EqualFold(v, "TRUE") }

// anything holds for every value: how long a lock of OpenLDAP lasts stands in a policy elsewhere, and the
// attribute goes with the next bind that succeeds.
func anything(string, time.Time) bool { return true }

// isPast holds for a generalized time that has come, and for what is none.
func isPast(v string, now time.Time) bool {
	t := changed(v)
	return t.IsZero() || !now.Before(t)
}

// isAhead holds for a generalized time that is still to come, and for what is none.
func isAhead(v string, now time.Time) bool {
	t := changed(v)
	return t.IsZero() || now.Before(t)
}

// isEpoch holds for the first second of 1970, which 389 Directory Server uses as a word.
func isEpoch(v string, _ time.Time) bool { return changed(v).Equal(time.Unix(0, 0)) }

// staysLocked holds until the time has come; the first second of 1970 means until an administrator unlocks.
func staysLocked(v string, now time.Time) bool { return isAhead(v, now) || isEpoch(v, now) }

// isPastDay holds for a number of days since 1970 that have passed. Zero and less mean never.
func isPastDay(v string, now time.Time) bool {
	const day = 24 * time.Hour
	days, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		return true
	}
	return days > 0 && !now.Before(time.Unix(0, 0).Add(time.Duration(days)*day))
}

// printable gives a short text for operators.
func printable(v string) string {
	const most = 40
	v = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f {
			return '?'
		}
		return r
	}, v)
	if len(v) > most {
		v = v[:most] + "..."
	}
	return strconv.Quote(v)
}
