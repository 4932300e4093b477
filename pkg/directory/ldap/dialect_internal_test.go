package ldap

import (
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// judge asks a dialect about an entry with one attribute.
func judge(s State, attribute, value string, proven bool) (identity.Reason, string) {
	now := time.Date(2030, 6, 15, 12, 0, 0, 0, time.UTC)
	e := goldap.NewEntry("uid=a,dc=x", map[string][]string{attribute: {value}})
	return s.refusal(evidenceOf(e, now, proven))
}

// TestLDAP31_Dialects: what the attributes of an entry say about its account, in each dialect. FreeIPA's expired
// passwords are refused although a bind has succeeded.
func TestLDAP31_Dialects(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		state            State
		attribute, value string
		unproven, proven identity.Reason // without a bind, and after one that succeeded
	}{
		{"freeipa: password expired", FreeIPAState, "krbPasswordExpiration", "20300615115959Z", identity.ReasonPasswordExpired, identity.ReasonPasswordExpired},
		{"freeipa: password expires now", FreeIPAState, "krbPasswordExpiration", "20300615120000Z", identity.ReasonPasswordExpired, identity.ReasonPasswordExpired},
		{"freeipa: password good", FreeIPAState, "krbPasswordExpiration", "20300615120001Z", "", ""},
		{"freeipa: unreadable", FreeIPAState, "krbPasswordExpiration", "soon", identity.ReasonPasswordExpired, identity.ReasonPasswordExpired},
		{"freeipa: principal expired", FreeIPAState, "krbPrincipalExpiration", "20200101000000Z", identity.ReasonAccountExpired, identity.ReasonAccountExpired},
		{"freeipa: disabled", FreeIPAState, "nsAccountLock", "TRUE", identity.ReasonDisabled, identity.ReasonDisabled},
		{"freeipa: enabled", FreeIPAState, "nsAccountLock", "FALSE", "", ""},
		{"freeipa: other case of an attribute", FreeIPAState, "krbpasswordexpiration", "20200101000000Z", identity.ReasonPasswordExpired, identity.ReasonPasswordExpired},
		{"389: disabled", NsAccountLockState, "nsAccountLock", "true", identity.ReasonDisabled, identity.ReasonDisabled},
		{"389: locked for a while", NsAccountLockState, "accountUnlockTime", "20300615121000Z", identity.ReasonLocked, ""},
		{"389: was locked", NsAccountLockState, "accountUnlockTime", "20300615115000Z", "", ""},
		{"389: locked for good", NsAccountLockState, "accountUnlockTime", "19700101000000Z", identity.ReasonLocked, ""},
		{"389: must change", NsAccountLockState, "passwordExpirationTime", "19700101000000Z", identity.ReasonMustChange, ""},
		{"389: expired", NsAccountLockState, "passwordExpirationTime", "20200101000000Z", identity.ReasonPasswordExpired, ""},
		{"openldap: must change", PasswordPolicyState, "pwdReset", "TRUE", identity.ReasonMustChange, identity.ReasonMustChange},
		{"openldap: locked for good", PasswordPolicyState, "pwdAccountLockedTime", "000001010000Z", identity.ReasonLocked, ""},
		{"openldap: locked", PasswordPolicyState, "pwdAccountLockedTime", "20300615110000Z", identity.ReasonLocked, ""},
		{"openldap: not yet", PasswordPolicyState, "pwdStartTime", "20310101000000Z", identity.ReasonAccountExpired, identity.ReasonAccountExpired},
		{"openldap: no more", PasswordPolicyState, "pwdEndTime", "20300101000000Z", identity.ReasonAccountExpired, identity.ReasonAccountExpired},
		{"shadow: expired", PasswordPolicyState, "shadowExpire", "18000", identity.ReasonAccountExpired, identity.ReasonAccountExpired},
		{"shadow: to come", PasswordPolicyState, "shadowExpire", "30000", "", ""},
		{"shadow: never", PasswordPolicyState, "shadowExpire", "-1", "", ""},
		{"shadow: unreadable", PasswordPolicyState, "shadowExpire", "never", identity.ReasonAccountExpired, identity.ReasonAccountExpired},
		{"glauth: inactive", GLAuthState, "accountStatus", "inactive", identity.ReasonDisabled, identity.ReasonDisabled},
		{"glauth: active", GLAuthState, "accountStatus", "active", "", ""},
		{"authentik: inactive", AuthentikState, "ak-active", "FALSE", identity.ReasonDisabled, identity.ReasonDisabled},
		{"authentik: of old", AuthentikState, "goauthentik.io/ldap/active", "false", identity.ReasonDisabled, identity.ReasonDisabled},
		{"authentik: active", AuthentikState, "ak-active", "TRUE", "", ""},
		{"okta: suspended", OktaState, "organizationalStatus", "SUSPENDED", identity.ReasonDisabled, identity.ReasonDisabled},
		{"okta: locked", OktaState, "organizationalStatus", "LOCKED_OUT", identity.ReasonLocked, identity.ReasonLocked},
		{"okta: expired", OktaState, "organizationalStatus", "PASSWORD_EXPIRED", identity.ReasonPasswordExpired, identity.ReasonPasswordExpired},
		{"okta: active", OktaState, "organizationalStatus", "ACTIVE", "", ""},
		{"none", NoState, "nsAccountLock", "TRUE", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := judge(tt.state, tt.attribute, tt.value, false); got != tt.unproven {
				t.Errorf("%s = %s without a bind: %q, want %q", tt.attribute, tt.value, got, tt.unproven)
			}
			if got, _ := judge(tt.state, tt.attribute, tt.value, true); got != tt.proven {
				t.Errorf("%s = %s after a bind: %q, want %q", tt.attribute, tt.value, got, tt.proven)
			}
		})
	}
}

// TestDialectsAskForWhatTheyJudge: an attribute that a dialect looks at is one that it asks for.
func TestDialectsAskForWhatTheyJudge(t *testing.T) {
	t.Parallel()
	for _, s := range states() {
		read, _ := s.dialectAttributes()
		for _, test := range s.tests() {
			if !strings.Contains(" "+strings.Join(read, " ")+" ", " "+test.attribute+" ") {
				t.Errorf("%s judges by %s, and asks for %v", s, test.attribute, read)
			}
		}
	}
}

// FuzzDialects: whatever a directory holds, a verdict is a reason with a short printable detail or nothing, and a
// time that cannot be read is never taken for one that is still to come.
func FuzzDialects(f *testing.F) {
	for _, s := range []string{"", "TRUE", "19700101000000Z", "000001010000Z", "20300615120001.5+0130", "99999999999999999999", "\x00\xff", strings.Repeat("9", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, s := range states() {
			read, _ := s.dialectAttributes()
			for _, attribute := range read {
				reason, detail := judge(s, attribute, value, false)
				if (reason == "") != (detail == "") || len(detail) > 300 || strings.ContainsFunc(detail, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
					t.Fatalf("%s = %q: %q, %q", attribute, value, reason, detail)
				}
			}
		}
		if changed(value).IsZero() {
			if reason, _ := judge(FreeIPAState, "krbPasswordExpiration", value, true); reason != identity.ReasonPasswordExpired {
				t.Fatalf("unreadable time %q lets an account in", value)
			}
		}
	})
}
