package kindstest_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// byPreset leaves nothing of a section but address, service credentials, base, and the base of groups with names.
func byPreset(d *slapd.Server) func(gate.Settings) {
	return func(s gate.Settings) {
		delete(s.Directory(), "users")
		s.Directory()["groups"] = gate.Settings{"base_dn": "ou=groups," + d.BaseDN}
	}
}

// dynamic is the suffix of a server whose groups are computed (dynlist), with a base of its own.
type dynamic struct{ *slapd.Server }

// Configuration is the directory's section by its kind alone.
func (d dynamic) Configuration() map[string]any {
	c := maps.Clone(d.Server.Configuration())
	c["base_dn"] = "dc=dyn,dc=org"
	c["bind"] = map[string]any{"dn": "cn=svc-bind,dc=dyn,dc=org"}
	c["users"] = map[string]any{"base_dn": "ou=people,dc=dyn,dc=org"}
	c["groups"] = map[string]any{"base_dn": "ou=groups,dc=dyn,dc=org"}
	return c
}

// TestLDAP17_OpenLDAPGroupShapes: one preset finds every shape of group, and a chain of them. LDAP12: the group of a
// posixAccount's gidNumber, and what it is in.
func TestLDAP17_OpenLDAPGroupShapes(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	account := func(uid, gid string) {
		d.Add(t, d.PersonDN(uid), map[string][]string{
			"objectClass": {"inetOrgPerson", "posixAccount"}, "uid": {uid}, "cn": {uid}, "sn": {uid}, "userPassword": {d.Password},
			"uidNumber": {"4711"}, "gidNumber": {gid}, "homeDirectory": {"/"},
		})
	}
	account("posixuser", "7100")
	d.Add(t, d.GroupDN("primary"), map[string][]string{"objectClass": {"posixGroup"}, "gidNumber": {"7100"}})
	d.AddGroup(t, slapd.Names, "above-primary", d.GroupDN("primary"))
	// A posixGroup with members by DN, as the schema of RFC 2307bis has it.
	d.Add(t, d.GroupDN("bis"), map[string][]string{
		"objectClass": {"posixGroup", "extensibleObject"}, "gidNumber": {"7200"}, "member": {d.PersonDN("posixuser")},
	})
	d.AddGroup(t, slapd.UniqueNames, "above-bis", d.GroupDN("bis"))

	g := gate.Start(t, d, policy, byPreset(d))
	wantGroups(t, g, "alice", d.Password, "nest-1", "nest-2", "nest-3", "nest-4", "unique", "posix", `Team (A, B) \ Ops`)
	wantGroups(t, g, "posix1", d.Password, "posix")
	wantGroups(t, g, "carol", d.Password, "cyc-a", "cyc-b", "cyc-c")
	wantGroups(t, g, "posixuser", d.Password, "primary", "above-primary", "bis", "above-bis")
	wantGroups(t, g, "zoë", d.Password, "Büro Köln")

	t.Run("groupOfURLs", func(t *testing.T) {
		t.Parallel()
		dyn := gate.Start(t, dynamic{d}, policy)
		wantGroups(t, dyn, "u00001", d.Password, "dynamic", "big")
		wantGroups(t, dyn, "u00012", d.Password, "big")
	})
}

// TestLDAP12_PrimaryGroupByGIDNumber: the shape alone, without any other membership.
func TestLDAP12_PrimaryGroupByGIDNumber(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.Add(t, d.PersonDN("pat"), map[string][]string{
		"objectClass": {"inetOrgPerson", "posixAccount"}, "uid": {"pat"}, "cn": {"pat"}, "sn": {"pat"}, "userPassword": {d.Password},
		"uidNumber": {"4712"}, "gidNumber": {"7300"}, "homeDirectory": {"/"},
	})
	d.Add(t, d.GroupDN("first"), map[string][]string{"objectClass": {"posixGroup"}, "gidNumber": {"7300"}})
	d.Add(t, d.GroupDN("other"), map[string][]string{"objectClass": {"posixGroup"}, "gidNumber": {"7301"}})
	wantGroups(t, gate.Start(t, d, policy, byPreset(d)), "pat", d.Password, "first")
}

// TestLDAP65_OpenLDAPPresetGivesALogin: address, service credentials and base are enough; the check shows what the preset
// filled in, and recognizes the server.
func TestLDAP65_OpenLDAPPresetGivesALogin(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, func(s gate.Settings) { delete(s.Directory(), "users"); delete(s.Directory(), "groups") })
	mustGrant(t, g, "alice", d.Password)
	if l := tryLogin(t, g, "ALICE", d.Password); !l.OK || l.Name != "alice" || len(l.ID) != 36 || len(l.Groups) != 7 {
		t.Errorf("login = %+v, want alice with her entryUUID and 7 groups", l)
	}
	got := check(t, g)
	if got.Code != 0 || !strings.Contains(got.Out, "OpenLDAP") || !strings.Contains(got.Out, "id_attribute: entryUUID") {
		t.Errorf("check = %d, want the server and its preset:\n%s", got.Code, got.Out)
	}
	other := gate.Prepare(t, d, policy, func(s gate.Settings) { s.Directory()["kind"] = "389ds" })
	if got := check(t, other); !strings.Contains(got.Out, "write kind: openldap") {
		t.Errorf("check with another kind = %d, want a warning with the remedy:\n%s", got.Code, got.Out)
	}
}

// TestLDAP18_DNsInOtherForms: a rule's DN is compared as a DN: its case, spaces and escapes are of no account.
func TestLDAP18_DNsInOtherForms(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	for name, dn := range map[string]string{
		"as it is":       `cn=Team (A\, B) \\ Ops,ou=groups,` + d.BaseDN,
		"hexadecimal":    `cn=Team (A\2C B) \5C Ops,ou=groups,` + d.BaseDN,
		"case":           `CN=team (a\, b) \\ ops,OU=Groups,DC=Example,DC=Org`,
		"spaces":         `cn = Team (A\, B) \\ Ops , ou = groups , dc = example , dc = org`,
		"another's name": `cn=nest-4,ou=groups,` + d.BaseDN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "version: 1\nrules:\n  - {who: '" + "group:" + dn + "', can: pull, repos: team/app}\n"
			g := gate.Start(t, d, text, byPreset(d))
			answer, err := g.Asker(gate.Service).Ask(t.Context(), "jsmith", d.Password, "repository:team/app:pull")
			want := 1
			if name == "another's name" {
				want = 0
			}
			if err != nil || answer.Status != http.StatusOK || len(answer.Claims.Access) != want {
				t.Errorf("token = %d %v, %v, want access to %d repository", answer.Status, answer.Claims.Access, err, want)
			}
		})
	}
}

// TestLDAP19_OpenLDAPLimitsAndPages: more groups than the size limit come in pages, which become smaller until the server
// takes them; where it gives a part only, nobody logs in.
func TestLDAP19_OpenLDAPLimitsAndPages(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	const groups = 1020 // the hard limit of most accounts is 1000
	d.AddPerson(t, "joiner")
	d.AddGroups(t, groups, d.PersonDN("joiner"))
	as := func(service string, pageSize int) func(gate.Settings) {
		return func(s gate.Settings) {
			s.Directory().Section("bind")["dn"] = "cn=" + service + "," + d.BaseDN
			s.Directory()["page_size"] = pageSize
			s.Directory()["groups"] = gate.Settings{"nested": false} // which would ask for a thousand groups more
		}
	}
	for _, size := range []int{100, 500, 10000} {
		g := gate.Prepare(t, d, policy, as("svc-paged", size)) // which may ask for 250 at once
		if l := tryLogin(t, g, "joiner", d.Password); !l.OK || len(l.Groups) != groups {
			t.Errorf("pages of %d: ok %v %s %s, %d groups, want %d", size, l.OK, l.Reason, l.Detail, len(l.Groups), groups)
		}
	}
	if l := tryLogin(t, gate.Prepare(t, d, policy, as("svc-limited", 100)), "joiner", d.Password); l.OK || l.Reason != "limit" {
		t.Errorf("a part of the groups: ok %v, reason %s, %d groups, want limit", l.OK, l.Reason, len(l.Groups))
	}
}

// TestLDAP21_OpenLDAPInChain: slapd answers the rule of Active Directory with success and no entries. The preset refuses
// the method before anybody is asked; under kind custom the check does, and logins are 503.
func TestLDAP21_OpenLDAPInChain(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	inChain := func(s gate.Settings) { s.Directory().Section("groups")["method"] = "in_chain" }
	if got := gate.Prepare(t, d, policy, inChain).Run(t, "", "check"); got.Code != 1 || !strings.Contains(got.Out, "in_chain is of Active Directory") {
		t.Errorf("check = %d, want 1 and the method named:\n%s", got.Code, got.Out)
	}
	g := gate.Start(t, d, policy, inChain, func(s gate.Settings) { s.Directory()["kind"] = "custom" })
	if got := check(t, g); got.Code != 1 || !strings.Contains(got.Out, "in_chain needs Active Directory") {
		t.Errorf("check --online = %d, want 1 and the method named:\n%s", got.Code, got.Out)
	}
	answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password)
	if err != nil || answer.Status != http.StatusServiceUnavailable {
		t.Errorf("login = %d %s, %v, want 503", answer.Status, answer.Body, err)
	}
	if log := g.Process.Err.String(); !strings.Contains(log, "does not have the configured method for groups") {
		t.Errorf("the log says nothing of the method:\n%s", log)
	}
}

// TestLDAP23_OpenLDAPMissingGroupBase: a base that does not exist is 503, not "no groups".
func TestLDAP23_OpenLDAPMissingGroupBase(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, func(s gate.Settings) {
		s.Directory()["base_dn"] = "ou=nowhere," + d.BaseDN
		s.Directory().Section("groups")["base_dn"] = "ou=groups,ou=nowhere," + d.BaseDN
	})
	answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password)
	if err != nil || answer.Status != http.StatusServiceUnavailable {
		t.Errorf("login = %d %s, %v, want 503", answer.Status, answer.Body, err)
	}
}

// TestLDAP27_OpenLDAPAccountStates: what the password policy says beside the result code is the reason.
func TestLDAP27_OpenLDAPAccountStates(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d))
	for user, reason := range map[string]string{"locked": "locked", "expired": "expired", "mustchange": "must_change"} {
		wantRefused(t, g, user, d.Password, reason)
		if got := g.Run(t, "", "explain", "--user", user, "pull", "a/b"); got.Code == 0 {
			t.Errorf("explain --user %s, which binds nobody, finds nothing wrong:\n%s", user, got.Out)
		}
	}
	for user, word := range map[string]string{"expired": "passwordExpired", "locked": "accountLocked", "mustchange": "changeAfterReset"} {
		if l := tryLogin(t, g, user, d.Password); !strings.Contains(l.Detail, "password policy: "+word) {
			t.Errorf("login command for %s says %q, want the policy's %s", user, l.Detail, word)
		}
	}
	mustGrant(t, g, "grace", d.Password)
	mustGrant(t, g, "warn", d.Password)
}
