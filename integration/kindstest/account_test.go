package kindstest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// accountPolicy gives a group a right that the check of an account shows.
const accountPolicy = "version: 1\nrules:\n  - {who: group:nest-1, can: push, repos: deep/**}\n"

// wantAccounts fails the test unless the check shows one account with its groups and rights, and another one with the reason
// for which it is refused, without binding anybody.
func wantAccounts(t *testing.T, g *gate.Gate, good, refused, reason string) {
	t.Helper()
	g.Run(t, "", "keys init")
	got := g.Run(t, "", "check", "--user", good)
	for _, want := range []string{"nothing speaks against this account", "name:    " + good + "@corp", "nest-4  (", "push", "deep/**", "no faults"} {
		if got.Code != 0 || !strings.Contains(got.Out, want) {
			t.Errorf("check --user %s = %d, want %q in it:\n%s%s", good, got.Code, want, got.Out, got.Err)
		}
	}
	got = g.Run(t, "", "check", "--json", "--user", refused)
	var said struct {
		OK      bool
		Account struct {
			OK         bool
			Reason, DN string
		}
	}
	if err := json.Unmarshal([]byte(got.Out), &said); err != nil || got.Code != 1 || said.OK || said.Account.OK || said.Account.Reason != reason || said.Account.DN == "" {
		t.Errorf("check --json --user %s = %d %+v, %v, want its entry and the reason %s", refused, got.Code, said, err, reason)
	}
	if got = g.Run(t, "", "check", "--user", good+"@corp"); got.Code != 0 || !strings.Contains(got.Out, "name:    "+good+"@corp") {
		t.Errorf("check --user %s@corp = %d, want the account, as the policy names it:\n%s", good, got.Code, got.Out)
	}
	if got = g.Run(t, "any\n", "login", good+"@corp"); got.Code != 1 || !strings.Contains(got.Out, good+"@corp is how the policy names an account; type "+good+" at a login\n") {
		t.Errorf("login %s@corp = %d, want what to type in its place:\n%s", good, got.Code, got.Out)
	}
	if got = g.Run(t, "", "check", "--user", "nobody"); got.Code != 1 || !strings.Contains(got.Out, "not_found") {
		t.Errorf("check --user nobody = %d, want 1 and not_found:\n%s", got.Code, got.Out)
	}
}

// TestLDAP64_OpenLDAPCheckOfAnAccount: entry, state, groups and rights without a password.
func TestLDAP64_OpenLDAPCheckOfAnAccount(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	mark := d.Mark(t)
	wantAccounts(t, gate.Prepare(t, d, accountPolicy, byPreset(d)), "alice", "locked", "locked")
	if o := d.Since(t, mark); o.Binds != 0 {
		t.Errorf("%d binds of users", o.Binds)
	}
}

// TestLDAP64_OpenLDAPCheckOfPasswordsThatEnd: what only a policy says of an account is shown without a password, too: that
// of the account, or, where it names none, any that can be read.
func TestLDAP64_OpenLDAPCheckOfPasswordsThatEnd(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Prepare(t, d, accountPolicy, byPreset(d))
	wantAccounts(t, g, "alice", "expired", "expired")
	const aged, day = "cn=aged,ou=policies,dc=example,dc=org", "86400"
	for user, want := range map[string]string{
		"expired": "the directory said: the password ended on 2020-01-02T00:00:00Z (pwdMaxAge of " + aged + ")",
		"grace":   "expires: the password ended on 2020-01-02 00:00 UTC; only grace logins are left (pwdMaxAge of cn=grace,",
		"warn":    "expires: the password ends on 2083-05-18 03:33 UTC (pwdMaxAge of cn=warn,",
	} {
		if got := g.Run(t, "", "check", "--user", user); !strings.Contains(got.Out, want) || (got.Code == 0) != (user != "expired") {
			t.Errorf("check --user %s = %d, want %q in it:\n%s", user, got.Code, want, got.Out)
		}
	}
	if got := g.Run(t, d.Password+"\n", "login", "grace"); got.Code != 0 || !strings.Contains(got.Out, "only grace logins are left") {
		t.Errorf("login grace = %d, want that it is a grace login:\n%s", got.Code, got.Out)
	}

	d.Set(t, d.PersonDN("expired"), "pwdPolicySubentry") // from now on it is under the default policy
	for _, cn := range []string{"default", "grace", "warn"} {
		d.Set(t, "cn="+cn+",ou=policies,"+d.BaseDN, "pwdMaxAge", day)
	}
	got := g.Run(t, "", "check", "--user", "expired")
	if got.Code != 0 || !strings.Contains(got.Out, "expires: the password may have ended on 2020-01-02 00:00 UTC (pwdMaxAge of cn=") {
		t.Errorf("check of an account that names no policy = %d, want that its password may have ended:\n%s", got.Code, got.Out)
	}
	if got := g.Run(t, "", "check", "--user", "alice"); strings.Contains(got.Out, "expires: the password ") {
		t.Errorf("check --user alice says when her password ends, which nothing tells:\n%s", got.Out)
	}
}

// TestLDAP64_389CheckOfAnAccount: the same on 389 Directory Server.
func TestLDAP64_389CheckOfAnAccount(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	wantAccounts(t, gate.Prepare(t, d, accountPolicy), "alice", "disabled", "disabled")
}
