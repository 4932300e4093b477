package kindstest_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// TestLDAP06_NamesAreTakenLiterally: names with letters that mean something in filters and DNs log in; patterns do not, and
// the server is asked for them literally or not at all.
func TestLDAP06_NamesAreTakenLiterally(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	for _, uid := range []string{"jo(se)", "émile"} {
		d.AddPerson(t, uid)
	}
	g := gate.Start(t, d, policy, byPreset(d))
	for _, user := range []string{"jo(se)", "émile", "o'brien", "jsmith", "john smith", "zoë", `back\slash`, `#a+b=c;<d>"e"*f/g&h`} {
		mustGrant(t, g, user, d.Password)
	}
	mark := d.Mark(t)
	for _, user := range []string{"*", "al*", "*)(uid=*", "alice)(|(uid=*", `\2a`, "a\x00lice", "alice\n", strings.Repeat("a", 10_000), "uid=alice,ou=people," + d.BaseDN} {
		answer, err := g.Asker(gate.Service).Post(t.Context(), user, d.Password)
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Errorf("%.40q = %d %s, %v, want 401", user, answer.Status, answer.Body, err)
		}
	}
	log := string(d.Log(t)[mark:])
	for line := range strings.Lines(log) {
		if _, filter, ok := strings.Cut(line, `filter="`); ok && strings.Contains(filter, "uid=") && strings.ContainsAny(strings.ReplaceAll(filter, "objectClass=*", ""), "*") {
			t.Errorf("a pattern reached the server: %s", line)
		}
	}
	if !strings.Contains(log, `(uid=\2A\29\28uid=\2A)`) {
		t.Errorf("the server was not asked for the name as it was typed:\n%s", log)
	}
	if o := d.Since(t, mark); o.Binds != 0 {
		t.Errorf("%d binds were made for names that nobody has", o.Binds)
	}
}

// TestLDAP07_PasswordsOfAnyLetters: every symbol, letters beyond ASCII, colons and spaces arrive as they were typed.
func TestLDAP07_PasswordsOfAnyLetters(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d))
	symbols := ""
	for c := ' '; c <= '~'; c++ {
		symbols += string(c)
	}
	for i, password := range []string{symbols, "pässwörd 漢字 \U0001f511", ":", "a:b:c", " leading and trailing ", "%41+%20"} {
		user := fmt.Sprintf("u%05d", i+1)
		d.SetPassword(t, user, password)
		mustGrant(t, g, user, password)
		answer, err := g.Asker(gate.Service).Post(t.Context(), user, password)
		if err != nil || answer.Status != http.StatusOK {
			t.Errorf("POST with %q = %d %s, %v, want 200", password, answer.Status, answer.Body, err)
		}
		answer, err = g.Asker(gate.Service).Ask(t.Context(), user, password+" ")
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Errorf("GET with %q and a space = %d, %v, want 401", password, answer.Status, err)
		}
	}
}

// TestLDAP04_OpenLDAPEmptyPasswords: the server would take a name without a password as a success; it is never asked.
func TestLDAP04_OpenLDAPEmptyPasswords(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d))
	mustGrant(t, g, "alice", d.Password)
	mark := d.Mark(t)
	for _, user := range []string{"alice", "nobody", ""} {
		answer, err := g.Asker(gate.Service).Post(t.Context(), user, "")
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Errorf("%q without a password = %d %s, %v, want 401", user, answer.Status, answer.Body, err)
		}
	}
	answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", "   ")
	if err != nil || answer.Status != http.StatusUnauthorized {
		t.Errorf("three spaces = %d, %v, want 401", answer.Status, err)
	}
	if o := d.Since(t, mark); o.Binds != 0 {
		t.Errorf("%d binds without a password", o.Binds)
	}
}

// TestLDAP11_OpenLDAPChainAndRing: a chain of ten groups whose last one has the first one for a member ends, and gives
// exactly the ten; the server itself knows nothing of groups in groups.
func TestLDAP11_OpenLDAPChainAndRing(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d))
	const levels = 10
	d.AddPerson(t, "chained")
	member, want := d.PersonDN("chained"), []string{}
	for i := range levels {
		name := fmt.Sprintf("link-%d", i+1)
		d.AddGroup(t, slapd.Names, name, member)
		member, want = d.GroupDN(name), append(want, name)
	}
	d.AddMember(t, "link-1", member)
	wantGroups(t, g, "chained", d.Password, want...)
	d.AddPerson(t, "outsider")
	wantGroups(t, g, "outsider", d.Password)
}

// TestLDAP05_OpenLDAPAmbiguousNames: a name that two entries have is refused, logged, and nobody is bound.
func TestLDAP05_OpenLDAPAmbiguousNames(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.SetMail(t, "nora", "shared@example.org")
	d.SetMail(t, "carol", "shared@example.org")
	g := gate.Start(t, d, policy, byPreset(d), func(s gate.Settings) { s.Directory().Section("users")["login_attributes"] = []string{"uid", "mail"} })
	mark := d.Mark(t)
	wantRefused(t, g, "shared@example.org", d.Password, "ambiguous")
	if o := d.Since(t, mark); o.Binds != 0 {
		t.Errorf("%d binds for a name that two have", o.Binds)
	}
	mustGrant(t, g, "nora", d.Password)
}

// TestLDAP28_P39_OpenLDAPRefusalsReadTheSame: unknown, wrong, locked, expired and must-change are one answer.
func TestLDAP28_P39_OpenLDAPRefusalsReadTheSame(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d))
	first := ""
	for user, password := range map[string]string{
		"alice": "wrong", "nobody": d.Password, "locked": d.Password, "expired": d.Password, "mustchange": d.Password, "nora": "",
	} {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
		if err != nil || answer.Status != http.StatusUnauthorized {
			t.Fatalf("%s = %d, %v, want 401", user, answer.Status, err)
		}
		seen := answer.Body + answer.Header.Get("WWW-Authenticate")
		if first == "" {
			first = seen
		}
		if seen != first {
			t.Errorf("%s is answered %q, others %q", user, seen, first)
		}
	}
}

// TestLDAP29_OpenLDAPLeavesTheFilter: an account that no longer matches users.filter is out once what is remembered of it
// has ended.
func TestLDAP29_OpenLDAPLeavesTheFilter(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d), func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s"}
		s.Directory().Section("users")["filter"] = "(mail=*@example.org)"
	})
	mustGrant(t, g, "alice", d.Password)
	d.SetMail(t, "alice", "alice@left.example")
	eventuallyRefused(t, g, "alice", d.Password)
}

// TestLDAP15_OpenLDAPGroupsOfOneName: of two groups with one name neither counts by it; each does by its DN.
func TestLDAP15_OpenLDAPGroupsOfOneName(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.Add(t, "ou=other,ou=groups,"+d.BaseDN, map[string][]string{"objectClass": {"organizationalUnit"}})
	d.AddGroup(t, slapd.Names, "twin", d.PersonDN("alice"))
	d.AddGroupAt(t, "cn=twin,ou=other,ou=groups,"+d.BaseDN, slapd.Names, d.PersonDN("nora"))
	text := "version: 1\nrules:\n  - {who: group:twin, can: pull, repos: by/name}\n  - {who: 'group:cn=twin,ou=other,ou=groups," + d.BaseDN + "', can: pull, repos: by/dn}\n"
	g := gate.Start(t, d, text, byPreset(d))
	for user, want := range map[string]int{"alice": 0, "nora": 1} {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), user, d.Password, "repository:by/name:pull", "repository:by/dn:pull")
		if err != nil || answer.Status != http.StatusOK || len(answer.Claims.Access) != want {
			t.Errorf("%s = %d %v, %v, want access to %d", user, answer.Status, answer.Claims.Access, err, want)
		}
	}
	if got := check(t, g); !strings.Contains(got.Out, `2 groups "twin"`) || !strings.Contains(got.Out, "write the DN or the id") {
		t.Errorf("check --online = %d, want both groups and the remedy:\n%s", got.Code, got.Out)
	}
}

// TestLDAP60_OpenLDAPFloodOfNames: thousands of names that nobody has cost the people who are known neither their place in
// memory nor their login.
func TestLDAP60_OpenLDAPFloodOfNames(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d), func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"size": 10}
		s["failed_logins_per_address"] = gate.Settings{"max": 1000000}
	})
	mustGrant(t, g, "alice", d.Password)
	mark := d.Mark(t)
	mustGrant(t, g, "alice", d.Password)
	known := d.Since(t, mark)
	const names = 2000
	for i := range names {
		if answer, err := g.Asker(gate.Service).Ask(t.Context(), "nobody-"+strconv.Itoa(i), "x"); err != nil || answer.Token != "" {
			t.Fatalf("nobody = %d, %v", answer.Status, err)
		}
	}
	mark = d.Mark(t)
	mustGrant(t, g, "alice", d.Password)
	if o := d.Since(t, mark); o != known {
		t.Errorf("after %d unknown names a known login costs %+v, before %+v", names, o, known)
	}
	if n := g.Metric(t, "wharfgate_cache_entries", `cache="entry"`); n > 10 {
		t.Errorf("%v entries are remembered, want at most 10", n)
	}
}

// TestLDAP63_OpenLDAPCheckNamesTheFault: each fault is told apart.
func TestLDAP63_OpenLDAPCheckNamesTheFault(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	for name, test := range map[string]struct {
		edit func(gate.Settings)
		says string
	}{
		"unreachable":    {func(s gate.Settings) { s.Directory()["servers"] = []string{"ldaps://localhost:1"} }, "connection refused"},
		"tls":            {func(s gate.Settings) { delete(s.Directory(), "tls") }, "tls.ca_file"},
		"bind refused":   {func(s gate.Settings) { s.Directory().Section("bind")["dn"] = "cn=nobody," + d.BaseDN }, "bind.dn"},
		"base missing":   {func(s gate.Settings) { s.Directory()["base_dn"] = "dc=nowhere,dc=org" }, "dc=nowhere,dc=org"},
		"groups missing": {func(s gate.Settings) { s.Directory().Section("groups")["base_dn"] = "ou=nowhere," + d.BaseDN }, "ou=nowhere"},
		"must change":    {func(s gate.Settings) { s.Directory().Section("bind")["dn"] = d.PersonDN("mustchange") }, "changeAfterReset"},
		"locked":         {func(s gate.Settings) { s.Directory().Section("bind")["dn"] = d.PersonDN("locked") }, "accountLocked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, gate.Prepare(t, d, policy, byPreset(d), test.edit))
			if got.Code != 1 || !strings.Contains(got.Out, test.says) {
				t.Errorf("check --online = %d, want 1 and %q:\n%s%s", got.Code, test.says, got.Out, got.Err)
			}
		})
	}
}

// TestLDAP63_OpenLDAPEveryFaultAtOnce: each base that does not exist, of every directory, and the service account's password.
func TestLDAP63_OpenLDAPEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	got := check(t, gate.Prepare(t, d, policy, byPreset(d), func(s gate.Settings) {
		second := maps.Clone(s.Directory())
		second["name"], second["default"], second["realms"] = "other", false, []string{"other.example"}
		s["directories"] = []gate.Settings{s.Directory(), second}
		for i, name := range []string{"one", "two"} {
			s["directories"].([]gate.Settings)[i]["users"] = gate.Settings{"base_dn": "ou=people-" + name + "," + d.BaseDN}
			s["directories"].([]gate.Settings)[i]["groups"] = gate.Settings{"base_dn": "ou=groups-" + name + "," + d.BaseDN}
		}
	}))
	for _, want := range []string{
		`directory corp: ` + d.URL + `: read users.base_dn: "ou=people-one,`, `read groups.base_dn: "ou=groups-one,`,
		`read users.base_dn: "ou=people-two,`, `read groups.base_dn: "ou=groups-two,`,
	} {
		if got.Code != 1 || !strings.Contains(got.Out, want) {
			t.Errorf("check --online = %d, want 1 and %q:\n%s", got.Code, want, got.Out)
		}
	}
}
