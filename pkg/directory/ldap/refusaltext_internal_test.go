package ldap

import (
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP27_WordsOfRefusals: the exact words of 389 Directory Server and FreeIPA beside their result codes.
func TestLDAP27_WordsOfRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   uint16
		text   string
		policy identity.Reason
		want   identity.Reason
	}{
		{53, "result 53 (unwilling to perform): Account inactivated. Contact system administrator.", identity.ReasonLocked, identity.ReasonDisabled},
		{19, "result 19 (constraint violation): Exceed password retry limit. Contact system administrator to reset.", identity.ReasonLocked, identity.ReasonLocked},
		{53, "result 53 (unwilling to perform): Too many failed logins.", "", identity.ReasonLocked},
		{53, "result 53 (unwilling to perform): Account (Kerberos principal) is expired", "", identity.ReasonAccountExpired},
		{49, "result 49 (invalid credentials): Password is expired", "", identity.ReasonPasswordExpired},
		{49, "result 49 (invalid credentials): password expired!", identity.ReasonPasswordExpired, identity.ReasonPasswordExpired},
		{49, "result 49 (invalid credentials)", "", identity.ReasonWrongPassword},
		{53, "result 53 (unwilling to perform): no", "", identity.ReasonRefused},
		{19, "result 19 (constraint violation): no", identity.ReasonLocked, identity.ReasonLocked},
	}
	for _, tt := range tests {
		outcome, got := verdict(&serverError{class: classAnswer, code: tt.code, text: tt.text}, tt.policy)
		if got != tt.want || (outcome == guard.Wrong) != (tt.want == identity.ReasonWrongPassword) {
			t.Errorf("verdict of %q with policy %q = %v, %q, want %q", tt.text, tt.policy, outcome, got, tt.want)
		}
	}
}
