package activedirectory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// numbered is name-1 to name-n, sorted.
func numbered(name string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", name, i+1))
	}
	slices.Sort(all)
	return all
}

// hasGroups checks the groups with a name that an account has.
func hasGroups(t *testing.T, g *gate.Gate, user, password string, want ...string) found {
	t.Helper()
	f := login(t, g, user, password)
	slices.Sort(f.shortNames)
	slices.Sort(want)
	if !f.OK || !slices.Equal(f.shortNames, want) {
		t.Errorf("%s has %q (%s %s), want %q", user, f.shortNames, f.Reason, f.Detail, want)
	}
	return f
}

// method makes a gate learn groups in another way.
func method(name string) func(gate.Settings) {
	return func(s gate.Settings) { s.Directory().Section("groups")["method"] = name }
}

// TestLDAP11_12_13_GroupsOfEveryShape: a ring of ten, thirty levels, the primary group with what it is in, groups of every
// scope; no distribution group. Every method finds the same.
func TestLDAP11_12_13_GroupsOfEveryShape(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	scopes := []string{"gl-devs", "un-eng", "dl-registry"}
	for _, how := range []string{"token_groups", "in_chain", "member_of"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			g := prepare(t, d, method(how))
			hasGroups(t, g, "carol", d.Password, numbered("cyc", 10)...)
			hasGroups(t, g, "dana", d.Password, numbered("deep", 30)...)
			hasGroups(t, g, "prim", d.Password, scopes...)
			hasGroups(t, g, "alice", d.Password, slices.Concat(scopes, numbered("nest", 4), []string{"Team A B Ops"})...)
			hasGroups(t, g, "zoë", d.Password, "Büro Köln")
			hasGroups(t, g, "u0003", d.Password)
		})
	}
}

// TestLDAP13_DistributionGroupsByOptIn: who widens the filter gets them, too, by a method that sees them.
func TestLDAP13_DistributionGroupsByOptIn(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := prepare(t, d, method("in_chain"), func(s gate.Settings) {
		s.Directory().Section("groups")["filter"] = "(objectCategory=group)"
	})
	if f := login(t, g, "alice", d.Password); !slices.Contains(f.shortNames, "dist-news") {
		t.Errorf("alice has %q, want dist-news as well", f.shortNames)
	}
}

// TestLDAP13_BuiltinGroupsByName: a group of the system counts where a rule names it by its DN or SID, and has no name.
func TestLDAP13_BuiltinGroupsByDN(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d)
	const users = "S-1-5-32-545"
	for repo, who := range map[string]string{"by-dn/x": "CN=Users,CN=Builtin," + d.BaseDN, "by-sid/x": users, "by-name/x": "Users"} {
		g.SetPolicy(t, fmt.Sprintf("version: 1\nrules:\n  - {who: %q, can: pull, repos: %q}\n", "group:"+who, repo))
		g.Reload(t)
		got := granted(g.MustGrant(t, "u0004", d.Password, "repository:"+repo+":pull"), repo)
		if named := repo == "by-name/x"; named == (got != nil) {
			t.Errorf("%s grants %q", who, got)
		}
	}
}

// TestLDAP15_GroupsOfOneNameAreTold apart: by the sAMAccountName, which a domain has once, and by the DN; where names are
// common names, the check lists both and neither matches.
func TestLDAP15_GroupsOfOneName(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	units := []string{"OU=North," + d.GroupsDN, "OU=South," + d.GroupsDN}
	for i, unit := range units {
		d.AddUnit(t, unit)
		d.AddGroupAt(t, samba.Global, "CN=sales,"+unit, []string{"sales-north", "sales-south"}[i], d.UserDN([]string{"u0005", "u0006"}[i]))
	}
	g := start(t, d)
	g.SetPolicy(t, `version: 1
rules:
  - {who: "group:sales-north", can: pull, repos: north/**}
  - {who: "group:CN=sales,`+units[1]+`", can: pull, repos: south/**}
`)
	g.Reload(t)
	for user, want := range map[string]string{"u0005": "north/x", "u0006": "south/x"} {
		answer := g.MustGrant(t, user, d.Password, "repository:north/x:pull", "repository:south/x:pull")
		for _, repo := range []string{"north/x", "south/x"} {
			if got := granted(answer, repo); (repo == want) != (got != nil) {
				t.Errorf("%s gets %q on %s", user, got, repo)
			}
		}
	}

	byCommonName := func(s gate.Settings) { s.Directory().Section("groups")["name_attribute"] = "cn" }
	c := start(t, d, byCommonName)
	c.SetPolicy(t, "version: 1\nrules:\n  - {who: \"group:sales\", can: pull, repos: sales/**}\n")
	c.Reload(t)
	if got := granted(c.MustGrant(t, "u0005", d.Password, "repository:sales/x:pull"), "sales/x"); got != nil {
		t.Errorf("a common name that two groups have grants %q", got)
	}
	said := c.Run(t, "", "check", "--online")
	for _, unit := range units {
		if dn := "CN=sales," + unit; said.Code != 1 || !strings.Contains(said.Out+said.Err, dn) {
			t.Errorf("check --online = %d and does not name %s:\n%s%s", said.Code, dn, said.Out, said.Err)
		}
	}
}

// TestLDAP20_ValuesInPieces: where the directory gives values in pieces, the others are read.
func TestLDAP20_ValuesInPieces(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	p.InPieces("memberOf", 7)
	g := prepare(t, d, through(p), method("member_of"))
	f := login(t, g, "wanda", d.Password)
	if len(f.shortNames) != 300 {
		t.Errorf("wanda has %d groups, want 300", len(f.shortNames))
	}
	pieces := 0
	for _, r := range p.Requests() {
		if slices.ContainsFunc(r.Attributes, func(a string) bool { return strings.HasPrefix(a, "memberOf;range=") }) {
			pieces++
		}
	}
	if pieces < 7 { // 50 direct groups
		t.Errorf("%d pieces were asked for, want 7 at least", pieces)
	}
}

// TestLDAP22_24_WireOfADomain: tokenGroups is read of one entry, not searched, and references to other servers are not
// followed.
func TestLDAP22_24_TokenGroupsAndReferences(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	g := start(t, d, through(p))
	for _, user := range []string{"alice", "carol", "wanda"} {
		g.MustGrant(t, user, d.Password)
	}
	reads, roots := 0, 0
	for _, r := range p.Requests() {
		if slices.ContainsFunc(r.Attributes, func(a string) bool { return strings.EqualFold(a, "tokenGroups") }) {
			if reads++; r.Scope != 0 {
				t.Errorf("tokenGroups is searched: %+v", r)
			}
		}
		if r.Scope == 2 && strings.EqualFold(r.Name, d.BaseDN) {
			roots++ // which the domain answers with references to three places
		}
	}
	if reads != 3 || roots < 3 {
		t.Errorf("%d reads of tokenGroups and %d searches of the whole domain, want 3 and at least 3", reads, roots)
	}
	if n := g.Metric(t, "wharfgate_ldap_operations_total", `op="dial"`); int(n) != p.Connections() {
		t.Errorf("%v connections were opened, %d of them to the configured server", n, p.Connections())
	}
}
