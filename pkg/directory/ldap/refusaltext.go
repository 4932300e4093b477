package ldap

import (
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// reasonInText reads why a bind was refused from the words of servers that use one result code for several things, or
// say "locked" of what is disabled: 389 Directory Server and FreeIPA. Empty means that the text is none of theirs.
func reasonInText(text string) identity.Reason {
	text = strings.ToLower(text)
	for _, known := range []struct {
		words  string
		reason identity.Reason
	}{
		{"account inactivated", identity.ReasonDisabled},
		{"exceed password retry limit", identity.ReasonLocked},
		{"too many failed logins", identity.ReasonLocked},
		{"(kerberos principal) is expired", identity.ReasonAccountExpired},
		{"password is expired", identity.ReasonPasswordExpired},
		{"password expired", identity.ReasonPasswordExpired},
	} {
		if strings.Contains(text, known.words) {
			return known.reason
		}
	}
	return ""
}
