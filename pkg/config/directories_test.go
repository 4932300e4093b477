package config_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

const directoriesPage = "../../docs/reference/directories.md"

// leastOf is what an operator must write of a directory.
const leastOf = `
registries: [{service: registry.corp.example}]
tls: {cert_file: tls.crt, key_file: tls.key}
policy: {file: policy.yaml}
directories:
  - name: corp
    kind: %s
    servers: [ldaps://ldap1.corp.example]
    bind: {dn: "cn=wharfgate,dc=corp,dc=example", password_file: bind.pw}
    base_dn: dc=corp,dc=example
%s`

// kinds lists the kinds of directories.
func kinds(t *testing.T) []string {
	t.Helper()
	i := slices.IndexFunc(config.AllKeys(), func(k config.Key) bool { return k.Path == "directories[].kind" })
	if i < 0 {
		t.Fatal("no key for the kind of a directory")
	}
	return config.AllKeys()[i].Values
}

// TestLDAP65_EveryKindNeedsTheLeastOnly: address, service credentials and base make a valid configuration of each kind;
// the page shows what the kind fills in (-update writes it).
func TestLDAP65_EveryKindNeedsTheLeastOnly(t *testing.T) {
	t.Parallel()
	page := string(read(t, directoriesPage))
	block := regexp.MustCompile(`(?s)<!-- preset (\S+) -->\n.*?<!-- end -->\n`)
	var shown []string
	got := block.ReplaceAllStringFunc(page, func(old string) string {
		kind := block.FindStringSubmatch(old)[1]
		shown = append(shown, kind)
		c, err := config.Parse("wharfgate.yaml", fmt.Appendf(nil, leastOf, kind, ""))
		if err != nil {
			t.Fatalf("the least of %s: %v", kind, err)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "<!-- preset %s -->\n| key | value |\n|---|---|\n", kind)
		for _, s := range c.Settings(0) {
			if s.Written {
				t.Errorf("kind %s: %s comes from the file, says Settings", kind, s.Key)
			}
			if s.Key != "groups.max_depth" && s.Key != "page_size" { // of every kind
				value := strings.ReplaceAll(strings.ReplaceAll(s.Value, "dc=corp,dc=example", "<base>"), "|", `\|`)
				fmt.Fprintf(&b, "| `%s` | `%s` |\n", s.Key, value)
			}
		}
		return b.String() + "<!-- end -->\n"
	})
	if want := kinds(t); !slices.Equal(shown, want) {
		t.Errorf("the page shows the kinds %q, want %q", shown, want)
	}
	if *update {
		if err := os.WriteFile(directoriesPage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != page {
		t.Errorf("the presets in %s differ from the code; run go test ./pkg/config -update", directoriesPage)
	}
}

// TestPresetsOnlyFillIn: what is written wins, key by key, and Settings tells the two apart.
func TestPresetsOnlyFillIn(t *testing.T) {
	t.Parallel()
	const mine = `    page_size: 77
    users: {base_dn: "ou=mine,dc=corp,dc=example", filter: (objectClass=mine), login_attributes: [mine], id_attribute: mine, state: none}
    groups: {base_dn: "ou=own,dc=corp,dc=example", filter: (objectClass=own), method: member_of, member_attributes: [own], nested: false, max_depth: 3, name_attribute: own, id_attribute: own}
`
	for _, kind := range kinds(t) {
		c, err := config.Parse("wharfgate.yaml", fmt.Appendf(nil, leastOf, kind, mine))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, s := range c.Settings(0) {
			if !s.Written || !strings.Contains("page_size: 77\n"+mine, s.Value) {
				t.Errorf("%s: %s = %s, written %v, want what is written", kind, s.Key, s.Value, s.Written)
			}
		}
	}
	c, err := config.Parse("wharfgate.yaml", fmt.Appendf(nil, leastOf, "active_directory", "    users: {id_attribute: objectSid}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Directories[0].Groups.IDAttribute != "objectSid" || c.Settings(3) != nil {
		t.Errorf("id of groups = %q, want that of users; settings of no directory: %v", c.Directories[0].Groups.IDAttribute, c.Settings(3))
	}
}
