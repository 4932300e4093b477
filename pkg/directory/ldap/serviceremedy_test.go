package ldap_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP63_WhyTheServiceAccountIsRefused: where the domain says why it refuses the service account, so does the gate.
func TestLDAP63_WhyTheServiceAccountIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"52e": "look at bind.dn and the password file",
		"531": "at other hours or from other workstations only",
		"532": "the service account's password has expired",
		"533": "the service account (bind.dn) is disabled",
		"701": "the service account (bind.dn) has ended",
		"773": "the service account's password has expired",
		"775": "the service account (bind.dn) is locked",
	}
	for code, want := range tests {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			s.on(func(r request) *answer {
				if r.op == opBind && r.dn == serviceDN {
					return &answer{raw: resultWithText(r, 49, subcodeText(code))}
				}
				return nil
			})
			b := backend(t, windowsOptions(nil, s))
			_, err := b.Find(t.Context(), "alice", 0)
			if !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), want) {
				t.Errorf("Find with a service account that is refused with %s: %v, want %q", code, err, want)
			}
		})
	}
}
