package kindstest_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// TestLDAP33_OpenLDAPFailuresFromBefore: OpenLDAP keeps wrong passwords that do not count any more, and those from before
// a lock that has ended. Neither hides that the next wrong password locks the account.
func TestLDAP33_OpenLDAPFailuresFromBefore(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	rule := "cn=hour,ou=policies," + d.BaseDN
	d.Add(t, rule, map[string][]string{
		"objectClass": {"person", "pwdPolicy"}, "sn": {"x"}, "pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"},
		"pwdMaxFailure": {"5"}, "pwdFailureCountInterval": {"3600"}, "pwdLockoutDuration": {"60"},
	})
	ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format("20060102150405Z") }
	tests := []struct {
		name, user       string
		failures, locked []string
	}{
		{
			name: "one that counts no more", user: "stale",
			failures: []string{ago(24 * time.Hour), ago(40 * time.Second), ago(30 * time.Second), ago(20 * time.Second), ago(10 * time.Second)},
		},
		{
			name: "a lock that has ended", user: "released", locked: []string{ago(10 * time.Minute)},
			failures: []string{ago(14 * time.Minute), ago(13 * time.Minute), ago(12 * time.Minute), ago(11 * time.Minute), ago(10 * time.Minute)},
		},
	}
	g := gate.Start(t, d, policy, gate.WithoutAddressLimit)
	const locked = "pwdAccountLockedTime"
	for _, tt := range tests {
		d.AddPerson(t, tt.user)
		d.SetPolicyState(t, tt.user, map[string][]string{"pwdPolicySubentry": {rule}, "pwdFailureTime": tt.failures, locked: tt.locked})
		guess(t, g, tt.user, 20)
		if got := d.Read(t, d.PersonDN(tt.user), locked).GetAttributeValues(locked); !slices.Equal(got, tt.locked) {
			t.Errorf("%s: strangers have locked the account: %v, before %v", tt.name, got, tt.locked)
		}
	}

	d.AddPerson(t, "owner")
	d.SetPolicyState(t, "owner", map[string][]string{
		"pwdPolicySubentry": {rule}, "pwdFailureTime": {ago(27 * time.Hour), ago(26 * time.Hour), ago(25 * time.Hour), ago(10 * time.Second)},
	})
	mustGrant(t, g, "owner", d.Password) // of four that are kept, one counts
}

// TestLDAP34_OpenLDAPHidesLocks: by itself OpenLDAP answers the right password of a locked account as a wrong one. Who is
// unlocked gets in again, although the password was not changed.
func TestLDAP34_OpenLDAPHidesLocks(t *testing.T) {
	t.Parallel()
	const locked, patience = "pwdAccountLockedTime", 45 * time.Second
	d := slapd.Start(t, slapd.Options{HidesLocks: true})
	g := gate.Start(t, d, policy)
	users := []string{"regular", "newcomer"}
	for _, user := range users {
		d.AddPerson(t, user)
		d.SetPolicyState(t, user, map[string][]string{"pwdChangedTime": {"20200101000000Z"}})
	}
	mustGrant(t, g, "regular", d.Password)
	for _, user := range users {
		d.SetPolicyState(t, user, map[string][]string{locked: {"000001010000Z"}})
		if answer, err := g.Asker(gate.Service).Ask(t.Context(), user, d.Password); err != nil || answer.Status != http.StatusUnauthorized {
			t.Errorf("%s, who is locked = %d, %v, want 401", user, answer.Status, err)
		}
		d.SetPolicyState(t, user, map[string][]string{locked: nil})
	}
	for _, user := range users {
		loopback.Eventually(t, patience, func() error {
			if answer, err := g.Asker(gate.Service).Ask(t.Context(), user, d.Password); err != nil || answer.Status != http.StatusOK {
				return fmt.Errorf("%s, who is unlocked = %d, %w", user, answer.Status, err)
			}
			return nil
		})
	}
}
