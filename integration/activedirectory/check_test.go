package activedirectory_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// TestLDAP63_TheCheckTellsFaultsApart on a domain.
func TestLDAP63_TheCheckTellsFaultsApart(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	section := func(name, key, value string) func(gate.Settings) {
		return func(s gate.Settings) { s.Directory().Section(name)[key] = value }
	}
	cases := map[string]struct {
		edit func(gate.Settings)
		says []string
	}{
		"unreachable":   {func(s gate.Settings) { s.Directory()["servers"] = []string{"ldaps://localhost:1"} }, []string{"ldaps://localhost:1", "refused"}},
		"unknown host":  {func(s gate.Settings) { s.Directory()["servers"] = []string{"ldaps://dc9.invalid"} }, []string{"dc9.invalid"}},
		"tls":           {func(s gate.Settings) { delete(s.Directory(), "tls") }, []string{"not trusted", "tls.ca_file"}},
		"bind refused":  {section("bind", "dn", d.UserDN("nobody")), []string{"bind.dn"}},
		"bind disabled": {section("bind", "dn", d.UserDN("disabled")), []string{"bind.dn", "disabled"}},
		"bind locked":   {section("bind", "dn", d.UserDN("locked")), []string{"bind.dn", "locked"}},
		"base missing":  {func(s gate.Settings) { s.Directory()["base_dn"] = "DC=nowhere,DC=example" }, []string{"DC=nowhere,DC=example"}},
		"users' base":   {section("users", "base_dn", "OU=Nowhere,"+d.BaseDN), []string{"users.base_dn", "OU=Nowhere"}},
		"groups' base":  {section("groups", "base_dn", "OU=Nowhere,"+d.BaseDN), []string{"groups.base_dn", "OU=Nowhere"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkSays(t, prepare(t, d, test.edit), test.says...)
		})
	}
	t.Run("group missing", func(t *testing.T) {
		t.Parallel()
		g := prepare(t, d)
		g.SetPolicy(t, "version: 1\nrules:\n  - {who: \"group:nobodies\", can: pull, repos: a/**}\n")
		checkSays(t, g, "nobodies")
	})
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		g := prepare(t, d)
		g.Run(t, "", "keys init")
		if said := g.Run(t, "", "check", "--online"); said.Code != 0 || strings.Contains(said.Out, "warning") {
			t.Errorf("check --online = %d, want no fault and no warning\n%s%s", said.Code, said.Out, said.Err)
		}
	})
}

// TestLDAP63_ServicePasswordThatEnds is a fault while there is time to change it, on every directory.
func TestLDAP63_ServicePasswordThatEnds(t *testing.T) {
	t.Parallel()
	windows, linux, red := samba.Shared(t), slapd.Start(t, slapd.Options{}), ds389.Shared(t)
	const days, week = 10, 7 * 24 * time.Hour
	dn := windows.AddUser(t, samba.User{Name: "svc-aging"})
	rule := windows.AddPolicy(t, "aging", 30, samba.Lockout{}, dn)
	windows.Set(t, rule, "msDS-MaximumPasswordAge", fmt.Sprintf("-%d0000000", days*24*60*60))
	red.AddPerson(t, "svc-aging")
	red.Set(t, red.PersonDN("svc-aging"), "passwordExpirationTime", time.Now().Add(week+time.Hour).UTC().Format("20060102150405Z"))
	linux.AddPerson(t, "svc-aging")
	policy := "cn=aging,ou=policies," + linux.BaseDN
	linux.Add(t, policy, map[string][]string{
		"objectClass": {"person", "pwdPolicy"}, "cn": {"aging"}, "sn": {"x"}, "pwdAttribute": {"userPassword"}, "pwdMaxAge": {strconv.Itoa(days * 24 * 60 * 60)},
	})
	linux.Set(t, linux.PersonDN("svc-aging"), "pwdPolicySubentry", policy)
	linux.SetPassword(t, "svc-aging", linux.Password) // from which it is counted
	for name, test := range map[string]struct {
		directory gate.Directory
		dn, says  string
	}{
		"samba":  {windows, dn, "in 9 days"},
		"389-ds": {red, red.PersonDN("svc-aging"), "in 7 days"},
		"slapd":  {linux, linux.PersonDN("svc-aging"), "in 9 days"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := prepare(t, test.directory, func(s gate.Settings) { s.Directory().Section("bind")["dn"] = test.dn })
			checkSays(t, g, "password of the service account", test.dn, test.says)
		})
	}
}

// TestLDAP64_TheCheckOfAnAccount: without its password, on every directory.
func TestLDAP64_TheCheckOfAnAccount(t *testing.T) {
	t.Parallel()
	windows, linux, red := samba.Shared(t), slapd.Start(t, slapd.Options{}), ds389.Shared(t)
	cases := map[string]struct {
		directory gate.Directory
		alice     string
		group     string
		refused   string
		reason    string
	}{
		"samba":  {windows, windows.UserDN("alice"), "nest-1", "disabled", "disabled"},
		"slapd":  {linux, linux.PersonDN("alice"), "nest-1", "locked", "locked"},
		"389-ds": {red, red.PersonDN("alice"), "nest-1", "disabled", "disabled"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := prepare(t, test.directory)
			g.Run(t, "", "keys init")
			said := g.Run(t, "", "check", "--online", "--user", "ALICE")
			for _, want := range []string{test.alice, "alice@corp", test.group, "teams/<team>/**", "teams/" + test.group} {
				if !strings.Contains(said.Out, want) {
					t.Errorf("check --user does not say %q:\n%s%s", want, said.Out, said.Err)
				}
			}
			if said.Code != 0 {
				t.Errorf("check --user = %d, want 0", said.Code)
			}
			for user, want := range map[string]string{test.refused: test.reason, "nobody-of-that-name": "not_found"} {
				if said := g.Run(t, "", "check", "--online", "--user", user); said.Code != 1 || !strings.Contains(said.Out, want) {
					t.Errorf("check --user %s = %d, want 1 and %s:\n%s%s", user, said.Code, want, said.Out, said.Err)
				}
			}
		})
	}
}

// TestLDAP65_AddressAccountAndBaseAreEnough: the kind fills in the rest.
func TestLDAP65_AddressAccountAndBaseAreEnough(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	for _, kind := range []string{"samba", "active_directory"} {
		g := prepare(t, d, func(s gate.Settings) {
			s.Directory()["kind"] = kind
			delete(s.Directory(), "groups")
			delete(s.Directory(), "timeouts")
			if left := slices.Sorted(maps.Keys(s.Directory())); !slices.Equal(left, []string{"base_dn", "bind", "default", "kind", "name", "servers", "tls"}) {
				t.Errorf("the configuration has %q", left)
			}
		})
		g.SetPolicy(t, "version: 1\nrules:\n  - {who: signed-in, can: pull, repos: everybody/**}\n") // short names of groups need one key more
		f := login(t, g, "alice", d.Password)
		if !f.OK || f.Name != "alice" || !slices.Contains(f.Groups, d.GroupDN("dl-registry")) {
			t.Errorf("%s: login = %+v, want alice with her groups by DN", kind, f)
		}
	}
}
