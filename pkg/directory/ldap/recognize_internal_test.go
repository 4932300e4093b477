package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

func TestRecognize(t *testing.T) {
	t.Parallel()
	const capability = "supportedCapabilities"
	tests := []struct {
		name, want string
		root       map[string][]string
	}{
		{"samba", "samba", map[string][]string{"vendorName": {"Samba Team (https://www.samba.org)"}, capability: {"1.2.840.113556.1.4.1670", activeDirectory}}},
		{"windows", "active_directory", map[string][]string{capability: {activeDirectory}, "isGlobalCatalogReady": {"TRUE"}}},
		{"openldap", "openldap", map[string][]string{"objectClass": {"top", "OpenLDAProotDSE"}}},
		{"389", "389ds", map[string][]string{"vendorName": {"389 Project"}, "vendorVersion": {"389-Directory/2.3.1 B2022.341.0000"}}},
		{"freeipa", "freeipa", map[string][]string{"vendorVersion": {"389-Directory/2.4.5"}, "ipaDomainLevel": {"1"}}},
		{"lldap", "lldap", map[string][]string{"vendorName": {"LLDAP"}, "vendorVersion": {"lldap_0.6.1"}}},
		{"authentik", "authentik", map[string][]string{"vendorName": {"goauthentik.io"}}},
		{"kanidm", "kanidm", map[string][]string{"vendorname": {"Kanidm Project"}}},
		{"glauth", "glauth", map[string][]string{"serverName": {"unknown"}}},
		{"google", "", map[string][]string{"objectClass": {"top"}}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := recognize(goldap.NewEntry("", tt.root)).kind; got != tt.want {
				t.Errorf("recognize(%v) = %q, want %q", tt.root, got, tt.want)
			}
		})
	}
}

func TestMismatchNamesTheRemedy(t *testing.T) {
	t.Parallel()
	tests := []struct{ configured, recognized, want string }{
		{"openldap", "openldap", ""},
		{"custom", "openldap", ""},
		{"", "openldap", ""},
		{"jumpcloud", "openldap", ""},
		{"google", "", ""},
		{"glauth", "", ""},
		{"openldap", "samba", "write kind: samba"},
		{"active_directory", "samba", "write kind: samba"},
		{"freeipa", "389ds", "write kind: 389ds"},
		{"openldap", "", "correct kind"},
		{"google", "lldap", "write kind: lldap"},
	}
	for _, tt := range tests {
		got := recognition{kind: tt.recognized}.mismatch(tt.configured)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("kind %q at a server that is %q: %q, want %q in it", tt.configured, tt.recognized, got, tt.want)
		}
	}
}

// TestLDAP21_MethodsOfWindowsElsewhere: a method that other servers answer with no groups is a fault there.
func TestLDAP21_MethodsOfWindowsElsewhere(t *testing.T) {
	t.Parallel()
	for _, m := range []Method{InChain, TokenGroups, MemberSearch, MemberOf} {
		windows := m == InChain || m == TokenGroups
		if f := (recognition{kind: kindOpenLDAP}).unfit(m); (f != nil) != windows {
			t.Errorf("%s at OpenLDAP: %v", m, f)
		}
		if f := (recognition{windows: true}).unfit(m); f != nil {
			t.Errorf("%s at Active Directory: %v", m, f)
		}
	}
}

// FuzzRecognize: whatever a server says of itself, it is a known kind or none, and what is shown of it is short and
// printable.
func FuzzRecognize(f *testing.F) {
	f.Add("Samba Team", "4.17", activeDirectory, "top", "unknown")
	f.Add("LLDAP", "", "", "OpenLDAProotDSE", "")
	f.Add("\x1b[31m\xff", strings.Repeat("é", 200), "\x00", "", "unknown")
	f.Fuzz(func(t *testing.T, name, version, capability, class, server string) {
		r := recognize(goldap.NewEntry("", map[string][]string{
			"vendorName": {name}, "vendorVersion": {version}, "supportedCapabilities": {capability}, "objectClass": {class}, "serverName": {server},
		}))
		if len(r.vendor) > 200 || strings.ContainsFunc(r.vendor, func(c rune) bool { return c < ' ' || c >= 0x7f }) {
			t.Fatalf("shown as %q", r.vendor)
		}
		if r.windows != strings.EqualFold(capability, activeDirectory) {
			t.Fatalf("capability %q makes it Active Directory: %v", capability, r.windows)
		}
		if r.kind != "" && !tellsItself(r.kind) && r.kind != kindGLAuth && r.kind != kindOkta {
			t.Fatalf("kind %q", r.kind)
		}
	})
}
