package kindstest_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jimlambrt/gldap"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// entry makes an object from pairs of an attribute and its values, which are parted by "|".
func entry(dn string, pairs ...string) object {
	o := object{dn: dn, attributes: map[string][]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.attributes[pairs[i]] = strings.Split(pairs[i+1], "|")
	}
	return o
}

// company is a directory of one kind with alice, whose groups and id are known, and with somebody who is refused.
type company struct {
	*fake

	id      string   // of alice
	groups  []string // of alice
	refused string   // a login name whose account's attributes speak against it; empty: none
	reason  string
}

// companies are the fakes, as the documentation and the source of the servers describe them.
func companies() []company {
	const base = "dc=corp,dc=example"
	unit := func(dn string) object { return entry(dn, "objectClass", "organizationalUnit") }
	return []company{
		{
			id: "ipa-alice", groups: []string{"devs", "staff"}, refused: "old", reason: "expired",
			fake: &fake{
				kind: "freeipa", base: base, service: "uid=wharfgate,cn=sysaccounts,cn=etc," + base,
				root: map[string][]string{"vendorName": {"389 Project"}, "vendorVersion": {"389-Directory/2.4.5"}, "ipaDomainLevel": {"1"}},
				objects: []object{
					unit(base), unit("cn=users,cn=accounts," + base), unit("cn=groups,cn=accounts," + base), unit("cn=users,cn=compat," + base),
					entry("uid=alice,cn=users,cn=accounts,"+base, "objectClass", "posixAccount|person", "uid", "alice", "ipaUniqueID", "ipa-alice",
						"krbPasswordExpiration", "20991231000000Z", "memberOf",
						"cn=devs,cn=groups,cn=accounts,"+base+"|cn=staff,cn=groups,cn=accounts,"+base),
					entry("uid=alice,cn=users,cn=compat,"+base, "objectClass", "posixAccount", "uid", "alice"),
					entry("uid=old,cn=users,cn=accounts,"+base, "objectClass", "posixAccount|person", "uid", "old", "ipaUniqueID", "ipa-old",
						"krbPasswordExpiration", "20200101000000Z"),
					entry("cn=devs,cn=groups,cn=accounts,"+base, "objectClass", "ipaUserGroup", "cn", "devs", "ipaUniqueID", "g1", "member", "uid=alice,cn=users,cn=accounts,"+base),
					entry("cn=staff,cn=groups,cn=accounts,"+base, "objectClass", "ipaUserGroup", "cn", "staff", "ipaUniqueID", "g2", "member", "cn=devs,cn=groups,cn=accounts,"+base),
				},
			},
		},
		{
			id: "uuid-alice", groups: []string{"devs"},
			fake: &fake{
				kind: "lldap", base: base, service: "uid=wharfgate,ou=people," + base,
				root: map[string][]string{"objectClass": {"top"}, "vendorName": {"LLDAP"}, "vendorVersion": {"lldap_0.6.1"}},
				objects: []object{
					unit(base), unit("ou=people," + base), unit("ou=groups," + base),
					entry("uid=alice,ou=people,"+base, "objectClass", "inetOrgPerson|posixAccount|mailAccount|person", "uid", "alice", "entryuuid", "uuid-alice"),
					entry("cn=devs,ou=groups,"+base, "objectClass", "groupOfUniqueNames", "cn", "devs", "entryuuid", "g1", "member", "uid=alice,ou=people,"+base),
				},
			},
		},
		{
			id: "5001", groups: []string{"superheros", "devs"}, refused: "sleeper", reason: "disabled",
			fake: &fake{
				kind: "glauth", base: base, service: "cn=wharfgate,ou=svcaccts,ou=users," + base,
				root: map[string][]string{"serverName": {"unknown"}, "supportedLDAPVersion": {"3"}},
				objects: []object{
					unit(base), unit("ou=users," + base), unit("ou=groups," + base),
					entry("cn=alice,ou=superheros,ou=users,"+base, "objectClass", "posixAccount|shadowAccount", "cn", "alice", "uid", "alice", "uidNumber", "5001",
						"gidNumber", "5501", "accountStatus", "active"),
					entry("cn=sleeper,ou=superheros,ou=users,"+base, "objectClass", "posixAccount", "cn", "sleeper", "uid", "sleeper", "uidNumber", "5002",
						"gidNumber", "5501", "accountStatus", "inactive"),
					entry("ou=superheros,ou=users,"+base, "objectClass", "posixGroup", "cn", "superheros", "gidNumber", "5501", "memberUid", "alice|sleeper"),
					entry("ou=devs,ou=users,"+base, "objectClass", "posixGroup", "cn", "devs", "gidNumber", "5502", "memberUid", "alice"),
				},
			},
		},
		{
			id: "hash-alice", groups: []string{"devs"}, refused: "leaver", reason: "disabled",
			fake: &fake{
				kind: "authentik", base: base, service: "cn=wharfgate,ou=users," + base,
				root: map[string][]string{"objectClass": {"top", "domain"}, "vendorName": {"goauthentik.io"}},
				objects: []object{
					unit(base), unit("ou=users," + base), unit("ou=groups," + base), unit("ou=virtual-groups," + base),
					entry("cn=alice,ou=users,"+base, "objectClass", "inetOrgPerson|goauthentik.io/ldap/user", "cn", "alice", "uid", "hash-alice", "ak-active", "TRUE"),
					entry("cn=leaver,ou=users,"+base, "objectClass", "goauthentik.io/ldap/user", "cn", "leaver", "uid", "hash-leaver", "ak-active", "FALSE"),
					entry("cn=devs,ou=groups,"+base, "objectClass", "group|goauthentik.io/ldap/group", "cn", "devs", "uid", "g1", "member", "cn=alice,ou=users,"+base),
					entry("cn=alice,ou=virtual-groups,"+base, "objectClass", "group|goauthentik.io/ldap/group|goauthentik.io/ldap/virtual-group",
						"cn", "alice", "uid", "hash-alice", "member", "cn=alice,ou=users,"+base),
				},
			},
		},
		{
			id: "00ualice", groups: []string{"devs"}, refused: "leaver", reason: "disabled",
			fake: &fake{
				kind: "okta", base: "dc=corp,dc=okta,dc=com", service: "uid=wharfgate@corp.example,dc=corp,dc=okta,dc=com", strict: true, named: []string{"memberOf"},
				root: map[string][]string{"objectClass": {"top"}},
				objects: []object{
					unit("dc=corp,dc=okta,dc=com"), unit("ou=users,dc=corp,dc=okta,dc=com"), unit("ou=groups,dc=corp,dc=okta,dc=com"),
					entry("uid=alice@corp.example,ou=users,dc=corp,dc=okta,dc=com", "objectClass", "inetOrgPerson", "uid", "alice@corp.example",
						"uniqueIdentifier", "00ualice", "organizationalStatus", "ACTIVE", "memberOf", "cn=devs,ou=groups,dc=corp,dc=okta,dc=com"),
					entry("uid=leaver,ou=users,dc=corp,dc=okta,dc=com", "objectClass", "inetOrgPerson", "uid", "leaver", "uniqueIdentifier", "00uleaver",
						"organizationalStatus", "SUSPENDED"),
					entry("cn=devs,ou=groups,dc=corp,dc=okta,dc=com", "objectClass", "groupOfUniqueNames", "cn", "devs", "uniqueIdentifier", "00gdevs",
						"uniqueMember", "uid=alice@corp.example,ou=users,dc=corp,dc=okta,dc=com"),
				},
			},
		},
		{
			id: "uuid-alice", groups: []string{"devs"},
			fake: &fake{
				kind: "jumpcloud", base: "o=5be4c382,dc=jumpcloud,dc=com", service: "uid=wharfgate,ou=Users,o=5be4c382,dc=jumpcloud,dc=com",
				root: map[string][]string{"objectClass": {"top", "OpenLDAProotDSE"}}, named: []string{"entryUUID", "memberOf"},
				objects: []object{
					unit("o=5be4c382,dc=jumpcloud,dc=com"), unit("ou=Users,o=5be4c382,dc=jumpcloud,dc=com"),
					entry("uid=alice,ou=Users,o=5be4c382,dc=jumpcloud,dc=com", "objectClass", "inetOrgPerson|posixAccount", "uid", "alice", "entryUUID", "uuid-alice"),
					entry("cn=devs,ou=Users,o=5be4c382,dc=jumpcloud,dc=com", "objectClass", "groupOfNames", "cn", "devs", "entryUUID", "g1",
						"member", "uid=alice,ou=Users,o=5be4c382,dc=jumpcloud,dc=com"),
				},
			},
		},
		{
			id: "uuid-alice", groups: []string{"cn=devs,ou=Groups," + base}, // names count once groups.base_dn is written down
			fake: &fake{
				kind: "google", base: base, service: "uid=wharfgate,ou=Users," + base, // which has no entry of its own that may be read
				objects: []object{
					unit(base), unit("ou=Users," + base), unit("ou=Groups," + base),
					entry("uid=alice,ou=Sales,ou=Users,"+base, "objectClass", "inetOrgPerson|posixAccount", "uid", "alice", "entryUuid", "uuid-alice"),
					entry("cn=devs,ou=Groups,"+base, "objectClass", "groupOfNames", "cn", "devs", "entryUuid", "g1", "member", "uid=alice,ou=Sales,ou=Users,"+base),
				},
			},
		},
		{
			id: "uuid-alice", groups: []string{"devs"},
			fake: &fake{
				kind: "kanidm", base: base, service: "dn=token",
				root: map[string][]string{"objectClass": {"top"}, "vendorname": {"Kanidm Project"}, "vendorversion": {"1.4.0"}},
				objects: []object{
					unit(base),
					entry("spn=alice@corp.example,"+base, "class", "account|person", "name", "alice", "spn", "alice@corp.example", "entryuuid", "uuid-alice",
						"memberof", "spn=devs@corp.example,"+base),
					entry("spn=devs@corp.example,"+base, "class", "group", "name", "devs", "spn", "devs@corp.example", "entryuuid", "g1",
						"member", "spn=alice@corp.example,"+base),
				},
			},
		},
	}
}

// TestLDAP65_PresetsOnFakes: the preset of each kind gives a login with only address, service credentials and base, at a
// server that answers as that kind is known to; and its account-state dialect refuses who may not log in.
func TestLDAP65_PresetsOnFakes(t *testing.T) {
	t.Parallel()
	for _, c := range companies() {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			c.start(t)
			g := gate.Start(t, c.fake, policy)
			user := "alice"
			if c.kind == "okta" {
				user = "alice@corp.example"
			}
			mustGrant(t, g, user, fakePassword)
			if l := wantGroups(t, g, user, fakePassword, c.groups...); l.ID != c.id || l.Name != user {
				t.Errorf("login = %s with id %s, want %s with %s", l.Name, l.ID, user, c.id)
			}
			wantRefused(t, g, user, "not "+fakePassword, "wrong_password")
			if c.refused != "" {
				wantRefused(t, g, c.refused, fakePassword, c.reason)
			}
			if got := check(t, g); got.Code != 0 || strings.Contains(got.Out, "directory's kind is") {
				t.Errorf("check --online = %d, want no fault and no doubt about the kind:\n%s", got.Code, got.Out)
			}
		})
	}
}

// TestLDAP37_GLAuthBansTheGate: three wrong passwords, and GLAuth answers 53 to everything for a minute. That is an outage
// with its own reason, not a wrong password, and the server is not asked again meanwhile.
func TestLDAP37_GLAuthBansTheGate(t *testing.T) {
	t.Parallel()
	var glauth company
	for _, c := range companies() {
		if c.kind == "glauth" {
			glauth = c
		}
	}
	failures, asked := 0, 0
	glauth.refuse = func(bind, ok bool) int {
		asked++
		if failures >= 3 {
			return gldap.ResultUnwillingToPerform
		}
		if bind && !ok {
			failures++
		}
		return gldap.ResultSuccess
	}
	glauth.start(t)
	g := gate.Start(t, glauth.fake, policy)
	mustGrant(t, g, "alice", fakePassword)
	for i := range 3 {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), []string{"alice", "sleeper"}[i%2], "wrong "+strconv.Itoa(i))
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Fatalf("wrong password = %d, %v, want 401", answer.Status, err)
		}
	}
	count := func() int {
		glauth.mu.Lock()
		defer glauth.mu.Unlock()
		return asked
	}
	var before int
	for i := range 20 {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", fakePassword)
		if err != nil || answer.Status != http.StatusServiceUnavailable || answer.Took > 2*time.Second {
			t.Fatalf("while banned = %d %s after %s, %v, want 503 at once", answer.Status, answer.Body, answer.Took, err)
		}
		if after, _ := strconv.Atoi(answer.Header.Get("Retry-After")); after < 30 {
			t.Errorf("Retry-After = %q, want what is left of a minute", answer.Header.Get("Retry-After"))
		}
		if i == 0 {
			before = count()
		}
	}
	if n := count() - before; n > 2 { // a look at an idle connection
		t.Errorf("the server was asked %d times while it was to be left alone", n)
	}
	if n := g.Metric(t, "wharfgate_logins_total", `result="banned"`); n != 20 {
		t.Errorf("%v logins are counted as banned, want 20", n)
	}
	if log := g.Process.Err.String(); !strings.Contains(log, "refuses everything and is left alone") || !strings.Contains(log, `"reason":"banned"`) {
		t.Errorf("the log does not report the ban:\n%s", log)
	}
}
