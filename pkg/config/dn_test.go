package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// refusedDN reports whether a configuration with that base DN has a fault there.
func refusedDN(dn string) bool {
	c := config.Default()
	d := config.DefaultDirectory("corp", "openldap")
	d.BaseDN = dn
	c.Directories = []config.Directory{d}
	faults, _ := errors.AsType[config.Faults](c.Validate())
	for _, f := range faults {
		if f.Path == "directories[0].base_dn" {
			return true
		}
	}
	return false
}

func TestDN(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dn      string
		refused bool
	}{
		{"dc=corp,dc=example", false},
		{"dc=corp, dc=example", false},
		{`cn=Doe\, John+uid=1,dc=x`, false},
		{`cn=\C3\BC,dc=x`, false},
		{`cn=\#1\ ,dc=x`, false},
		{"2.5.4.3=x,dc=y", false},
		{"cn=ümlaut,dc=x", false},
		{"corp", true},
		{"dc=corp,", true},
		{",dc=corp", true},
		{"dc=corp,,dc=example", true},
		{"dc=", true},
		{"=corp", true},
		{`dc=corp\`, true},
		{`dc=corp\g0`, true},
		{`dc="corp"`, true},
		{"dc=corp;dc=example", true},
		{"dc=<corp>", true},
		{"d c=corp", true},
		{"dc=\xff", true},
	} {
		if got := refusedDN(tc.dn); got != tc.refused {
			t.Errorf("base_dn %q refused = %v, want %v", tc.dn, got, tc.refused)
		}
	}
}

// FuzzDN holds that every DN that the configuration accepts is one for the rest of the gate.
func FuzzDN(f *testing.F) {
	for _, dn := range []string{"dc=corp,dc=example", `cn=Doe\, John+uid=1,dc=x`, `cn=\C3\BC,dc=x`, "2.5.4.3=#0401,dc=y", "a=b+c=d", "dc=corp,"} {
		f.Add(dn)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		if strings.TrimSpace(dn) == "" || refusedDN(dn) {
			return
		}
		if _, err := identity.NormalDN(dn); err != nil {
			t.Errorf("base_dn %q is accepted, NormalDN = %v", dn, err)
		}
	})
}
