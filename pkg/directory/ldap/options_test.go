package ldap_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*ldap.Options)
		want string // of the error; empty means none
	}{
		{"valid", func(*ldap.Options) {}, ""},
		{"anonymous", func(o *ldap.Options) { o.BindDN, o.BindPassword = "", nil }, ""},
		{"no source", func(o *ldap.Options) { o.Source = "" }, "source"},
		{"no server", func(o *ldap.Options) { o.Servers = nil }, "servers"},
		{"not a URL", func(o *ldap.Options) { o.Servers = []string{"ldap.example.org"} }, "servers[0]"},
		{"scheme", func(o *ldap.Options) { o.Servers = []string{"ldapi://%2frun%2fldapi"} }, "servers[0]"},
		{"credentials in it", func(o *ldap.Options) { o.Servers = []string{"ldaps://cn=x:y@ldap"} }, "servers[0]"},
		{"a base in it", func(o *ldap.Options) { o.Servers = []string{"ldaps://ldap/dc=x"} }, "servers[0]"},
		{"bind without password", func(o *ldap.Options) { o.BindPassword = nil }, "bind"},
		{"bind DN", func(o *ldap.Options) { o.BindDN = "svc" }, "bind.dn"},
		{"no base", func(o *ldap.Options) { o.BaseDN = "" }, "base_dn"},
		{"users base", func(o *ldap.Options) { o.Users.BaseDN = "people" }, "users.base_dn"},
		{"groups base", func(o *ldap.Options) { o.Groups.BaseDN = "groups" }, "groups.base_dn"},
		{"users filter", func(o *ldap.Options) { o.Users.Filter = "objectClass=person" }, "users.filter"},
		{"groups filter", func(o *ldap.Options) { o.Groups.Filter = "((" }, "groups.filter"},
		{"login attribute", func(o *ldap.Options) { o.Users.LoginAttributes = []string{"uid", "*"} }, "users.login_attributes[1]"},
		{"id attribute", func(o *ldap.Options) { o.Users.IDAttribute = "a)(b" }, "users.id_attribute"},
		{"method", func(o *ldap.Options) { o.Groups.Method = "guess" }, "groups.method"},
		{"negative bound", func(o *ldap.Options) { o.Queue = -1 }, "queue"},
		{"negative time-out", func(o *ldap.Options) { o.Timeouts.Dial = -1 }, "timeouts.dial"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ldap.New(options(tt.edit, newFakeServer()))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want+":")) {
				t.Errorf("New: %v, want an error of %q", err, tt.want)
			}
		})
	}
}

// TestOptionsEveryFault: all faults are reported at once.
func TestOptionsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := ldap.New(ldap.Options{BaseDN: "x"})
	for _, want := range []string{"source", "servers", "base_dn"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want it to name %q", err, want)
		}
	}
}
