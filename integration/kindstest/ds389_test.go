package kindstest_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// TestLDAP65_389PresetGivesALogin: address, service credentials and base are enough.
func TestLDAP65_389PresetGivesALogin(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy, func(s gate.Settings) { delete(s.Directory(), "groups") })
	mustGrant(t, g, "alice", d.Password)
	l := tryLogin(t, g, "Alice", d.Password)
	if !l.OK || l.Name != "alice" || len(l.ID) != 35 || len(l.groupsText) != 6 {
		t.Errorf("login = %+v, want alice with her nsUniqueId and 6 groups", l)
	}
	got := check(t, g)
	if got.Code != 0 || !strings.Contains(got.Out, "389-Directory") || strings.Contains(got.Out, "kind is 389ds") {
		t.Errorf("check = %d, want the server recognized:\n%s", got.Code, got.Out)
	}
}

// TestLDAP11_389ChainAndCycle: thirty levels and a ring of groups, resolved by the client and by the server's plugin.
func TestLDAP11_389ChainAndCycle(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	var deep []string
	for i := range 30 {
		deep = append(deep, "deep-"+strconv.Itoa(i+1))
	}
	for _, method := range []string{"member_search", "member_of"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			g := gate.Start(t, d, policy, func(s gate.Settings) {
				s.Directory().Section("groups")["method"] = method
				s.Directory().Section("groups")["nested"] = method == "member_search"
			})
			wantGroups(t, g, "dana", d.Password, deep...)
			wantGroups(t, g, "carol", d.Password, "cyc-a", "cyc-b", "cyc-c")
			wantGroups(t, g, "alice", d.Password, "nest-1", "nest-2", "nest-3", "nest-4", "unique", `Team (A, B) \ Ops`)
		})
	}
}

// TestLDAP21_389InChain: the server answers the rule of Active Directory with an error; the check says so before anybody
// logs in, and a login is 503, not a token without groups.
func TestLDAP21_389InChain(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy, func(s gate.Settings) { s.Directory().Section("groups")["method"] = "in_chain" })
	if got := check(t, g); got.Code != 1 || !strings.Contains(got.Out, "in_chain needs Active Directory") {
		t.Errorf("check --online = %d, want 1 and the method named:\n%s", got.Code, got.Out)
	}
	answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password)
	if err != nil || answer.Status != http.StatusServiceUnavailable {
		t.Errorf("login = %d %s, %v, want 503", answer.Status, answer.Body, err)
	}
}

// TestLDAP27_389AccountStates: nsAccountLock is answered 53, a lockout 19, and each is a refusal with its own reason.
func TestLDAP27_389AccountStates(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy)
	for user, reason := range map[string]string{"disabled": "disabled", "locked": "locked", "mustchange": "must_change"} {
		wantRefused(t, g, user, d.Password, reason)
	}
}

// TestLDAP04_389EmptyPasswords: an empty password is refused without a bind; spaces are a password like others.
func TestLDAP04_389EmptyPasswords(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy)
	mustGrant(t, g, "u00001", d.Password)
	before := d.BadPasswords(t, "u00001")
	binds := g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`)
	for _, password := range []string{"", " ", "\t \u00a0"} {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), "u00001", password)
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Errorf("password %q = %d, %v, want 401", password, answer.Status, err)
		}
	}
	if n := g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`); n != binds {
		t.Errorf("%v binds without a password", n-binds)
	}
	if n := d.BadPasswords(t, "u00001"); n != before {
		t.Errorf("the server counts %d wrong passwords after an empty one, want %d", n, before)
	}
}

// TestLDAP33_389NobodyIsLocked: the server locks for good after 5 wrong passwords; of 30 different ones it sees 3.
func TestLDAP33_389NobodyIsLocked(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy)
	for i := range 30 {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), "u00002", "wrong "+strconv.Itoa(i))
		if err != nil || answer.Status != http.StatusUnauthorized && answer.Status != http.StatusTooManyRequests {
			t.Fatalf("wrong password = %d %s, %v, want 401 or 429", answer.Status, answer.Body, err)
		}
	}
	if n := d.BadPasswords(t, "u00002"); n == 0 || n > 3 {
		t.Errorf("the server counts %d wrong passwords, want 1 to 3", n)
	}
	mustGrant(t, gate.Start(t, d, policy), "u00002", d.Password) // a gate that knows of nothing
}

// TestLDAP29_389DisabledAfterALogin: an account that is disabled after a login is refused at the next one, and within the
// life of what is remembered where nobody binds.
func TestLDAP29_389DisabledAfterALogin(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy, func(s gate.Settings) { s.Directory()["cache"] = gate.Settings{"ttl": "1s"} })
	d.AddPerson(t, "leaver")
	mustGrant(t, g, "leaver", d.Password)
	if got := g.Run(t, "", "explain", "--user", "leaver", "pull", "a/b"); got.Code != 0 {
		t.Errorf("explain before = %d:\n%s%s", got.Code, got.Out, got.Err)
	}
	d.Set(t, d.PersonDN("leaver"), "nsAccountLock", "true")
	wantRefused(t, g, "leaver", d.Password, "disabled")
	if got := g.Run(t, "", "explain", "--user", "leaver", "pull", "a/b"); got.Code == 0 || !strings.Contains(got.Out+got.Err, "disabled") {
		t.Errorf("explain, which binds nobody = %d, want the refusal:\n%s%s", got.Code, got.Out, got.Err)
	}
	d.Set(t, d.PersonDN("leaver"), "nsAccountLock")
	loopback.Eventually(t, 10*time.Second, func() error {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), "leaver", d.Password)
		if err == nil && answer.Status != http.StatusOK {
			err = errors.New(answer.Body)
		}
		return err
	})
}

// TestLDAP31_389ExpiredKerberosPassword: FreeIPA lets an account bind whose Kerberos password has expired; the preset
// reads the time itself. The attribute stands on a server that, as FreeIPA's, knows nothing of it at a bind.
func TestLDAP31_389ExpiredKerberosPassword(t *testing.T) {
	t.Parallel()
	d := ds389.Start(t)
	d.AddValues(t, "cn=schema", "attributeTypes",
		"( 2.16.840.1.113719.1.301.4.37.1 NAME 'krbPasswordExpiration' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )",
		"( 2.16.840.1.113719.1.301.4.15.1 NAME 'krbPrincipalExpiration' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )")
	past, future := time.Now().Add(-time.Hour).UTC().Format("20060102150405Z"), time.Now().Add(time.Hour).UTC().Format("20060102150405Z")
	for uid, attribute := range map[string][2]string{
		"expired": {"krbPasswordExpiration", past}, "gone": {"krbPrincipalExpiration", past}, "fine": {"krbPasswordExpiration", future},
	} {
		d.AddPerson(t, uid)
		d.Set(t, d.PersonDN(uid), "objectClass", "inetOrgPerson", "extensibleObject")
		d.Set(t, d.PersonDN(uid), attribute[0], attribute[1])
	}
	g := gate.Start(t, d, policy, func(s gate.Settings) { s.Directory().Section("users")["state"] = "freeipa" })
	mustGrant(t, g, "fine", d.Password)
	wantRefused(t, g, "expired", d.Password, "expired")
	wantRefused(t, g, "gone", d.Password, "account_expired")
}

// TestLDAP44_389IdleDisconnect: the server closes idle connections; the next login does not notice.
func TestLDAP44_389IdleDisconnect(t *testing.T) {
	t.Parallel()
	d := ds389.Start(t)
	d.Set(t, "cn=config", "nsslapd-idletimeout", "1")
	g := gate.Start(t, d, policy)
	mustGrant(t, g, "alice", d.Password)
	dials := func() float64 { return g.Metric(t, "wharfgate_ldap_operations_total", `op="dial"`, `result="ok"`) }
	before := dials()
	loopback.Eventually(t, time.Minute, func() error { // a connection that was closed is opened again
		if n := dials(); n < before+4 {
			return errors.New(strconv.Itoa(int(n)) + " dials")
		}
		return nil
	})
	for _, user := range []string{"alice", "nora", "u00003"} {
		mustGrant(t, g, user, d.Password)
	}
}

// TestLDAP63_389CheckNamesTheFault: each fault is told apart.
func TestLDAP63_389CheckNamesTheFault(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	cases := map[string]struct {
		edit   func(gate.Settings)
		policy string
		says   string
	}{
		"unreachable":      {func(s gate.Settings) { s.Directory()["servers"] = []string{"ldaps://localhost:1"} }, policy, "connection refused"},
		"tls":              {func(s gate.Settings) { delete(s.Directory(), "tls") }, policy, "tls.ca_file"},
		"bind refused":     {func(s gate.Settings) { s.Directory().Section("bind")["dn"] = d.PersonDN("nobody") }, policy, "bind.dn"},
		"account disabled": {func(s gate.Settings) { s.Directory().Section("bind")["dn"] = d.PersonDN("disabled") }, policy, "inactivated"},
		"base missing":     {func(s gate.Settings) { s.Directory()["base_dn"] = "dc=nowhere,dc=net" }, policy, "dc=nowhere,dc=net"},
		"group missing":    {func(gate.Settings) {}, "version: 1\nrules:\n  - {who: group:nobodies, can: pull, repos: a/b}\n", "nobodies"},
		"method":           {func(s gate.Settings) { s.Directory().Section("groups")["method"] = "token_groups" }, policy, "token_groups is of Active Directory"},
		"plaintext refused": {func(s gate.Settings) {
			s.Directory()["servers"] = []string{d.PlainURL}
			s.Directory()["insecure_plaintext"] = true
			delete(s.Directory(), "tls")
		}, policy, "encryption"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, gate.Prepare(t, d, test.policy, test.edit))
			if name != "group missing" && got.Code != 1 || !strings.Contains(got.Out, test.says) {
				t.Errorf("check --online = %d, want 1 and %q:\n%s%s", got.Code, test.says, got.Out, got.Err)
			}
		})
	}
	t.Run("another kind", func(t *testing.T) {
		t.Parallel()
		got := check(t, gate.Prepare(t, d, policy, func(s gate.Settings) { s.Directory()["kind"] = "openldap" }))
		if got.Code != 0 || !strings.Contains(got.Out, "write kind: 389ds") {
			t.Errorf("check --online = %d, want a warning with the remedy:\n%s", got.Code, got.Out)
		}
	})
}

// TestLDAP23_389MissingGroupBase: a base for groups that does not exist is 503, not "no groups".
func TestLDAP23_389MissingGroupBase(t *testing.T) {
	t.Parallel()
	d := ds389.Shared(t)
	g := gate.Start(t, d, policy, func(s gate.Settings) {
		s.Directory()["base_dn"] = "ou=nowhere," + d.BaseDN
		s.Directory().Section("users")["base_dn"] = "ou=people," + d.BaseDN
		s.Directory().Section("groups")["base_dn"] = "ou=groups,ou=nowhere," + d.BaseDN
	})
	answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password)
	if err != nil || answer.Status != http.StatusServiceUnavailable {
		t.Errorf("login = %d %s, %v, want 503", answer.Status, answer.Body, err)
	}
}

// TestLDAP19_389LimitsAndPages: more groups than the server's size limit of 500 are read in pages, all of them; where the
// server limits pages, too, nobody gets a part.
func TestLDAP19_389LimitsAndPages(t *testing.T) {
	t.Parallel()
	d := ds389.Start(t)
	d.AddPerson(t, "joiner")
	const groups = 520
	d.AddGroups(t, groups, d.PersonDN("joiner"))
	g := gate.Start(t, d, policy)
	if l := tryLogin(t, g, "joiner", d.Password); l.OK || l.Reason != "limit" {
		t.Errorf("login with half of the groups: ok %v, reason %s, %d groups, want limit", l.OK, l.Reason, len(l.Groups))
	}
	d.Set(t, "cn=config", "nsslapd-pagedsizelimit", "-1")
	if l := tryLogin(t, g, "joiner", d.Password); !l.OK || len(l.Groups) != groups {
		t.Errorf("login: ok %v %s %s, %d groups, want %d", l.OK, l.Reason, l.Detail, len(l.Groups), groups)
	}
}
