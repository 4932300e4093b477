package docstest_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requirements are what a directory client must do, by number.
func requirements() []string {
	return []string{
		"right and wrong passwords, by every form of a name", "the identity is the directory's own, however it was typed",
		"names that only a bind knows are refused", "empty passwords never reach the directory", "ambiguous names are refused",
		"special names log in, filters do not", "passwords with any letters", "an unknown domain prefix is refused",
		"somebody else's mail blocks nobody", "only people log in", "chains and rings of groups", "the primary group counts",
		"scopes of groups; distribution and built-in groups", "300 groups in few round trips", "groups of one name are told apart",
		"a renamed or moved group", "every shape of group by its preset", "DNs in other forms", "size limits and pages",
		"values that come in parts", "in-chain at a server without it", "tokenGroups in a base read only", "a missing base of groups",
		"references to other servers are ignored", "the global catalog", "account states of Active Directory", "account states elsewhere",
		"refusals read the same", "disabled after a login", "a changed password ends what is remembered", "expired passwords of FreeIPA",
		"the same wrong password is sent once", "many wrong passwords lock nobody", "the owner of an account stays in",
		"a wrong service password", "lost answers are not repeated", "bans of the gate's address", "searches and binds apart",
		"parallel logins get their own groups", "a stopped server", "a killed server", "silence after StartTLS", "a peer that stops reading",
		"idle connections that the server closes", "a black hole", "a dead first server", "a server that comes back", "servers by DNS",
		"busy servers", "a storm after a restart", "TLS faults name their cause", "plain text is refused", "client certificates",
		"rotated files", "one bind for one pull", "one caller's cancel", "changes of groups show in time", "outages with stale groups",
		"a no is never overruled", "a flood of names", "lives are spread", "no password anywhere", "the check tells faults apart",
		"the check of an account without its password", "presets", "several directories", "malformed messages", "equal times",
	}
}

// protocolRequirements are those of the token protocol that are about directories.
func protocolRequirements() map[int]string {
	return map[int]string{
		34: "failed binds stop below the directory's threshold", 36: "what is remembered of passwords", 39: "refused accounts look like wrong passwords",
	}
}

// evidence is the tests of a requirement, by the server that they ran on.
type evidence map[string][]string

// TestDirectoriesPageNamesItsTests: the page has every requirement on directories, each with the tests that carry its
// number and the servers they use, as the tree has them. A requirement without a test shows. With -update it is written.
func TestDirectoriesPageNamesItsTests(t *testing.T) {
	t.Parallel()
	const page = "docs/reference/directories.md"
	found := findEvidence(t)
	var b strings.Builder
	b.WriteString("<!-- items -->\n| | requirement | shown by |\n|---|---|---|\n")
	row := func(prefix string, n int, what string) {
		shown := "**no test**"
		if e := found[prefix+strconv.Itoa(n)]; len(e) > 0 {
			var parts []string
			for _, server := range slices.Sorted(maps.Keys(e)) {
				parts = append(parts, server+": `"+strings.Join(e[server], "`, `")+"`")
			}
			shown = strings.Join(parts, "; ")
		}
		fmt.Fprintf(&b, "| %s%d | %s | %s |\n", prefix, n, what, shown)
	}
	all := requirements()
	for i, what := range all {
		row("LDAP", i+1, what)
	}
	for _, n := range slices.Sorted(maps.Keys(protocolRequirements())) {
		row("P", n, protocolRequirements()[n])
	}
	b.WriteString("<!-- end -->\n")
	for key := range found {
		if n, ok := strings.CutPrefix(key, "LDAP"); ok {
			if i, err := strconv.Atoi(n); err != nil || i < 1 || i > len(all) {
				t.Errorf("%v carry a number that no requirement has", found[key])
			}
		}
	}
	text := readPage(t, page)
	got := regexp.MustCompile(`(?s)<!-- items -->\n.*?<!-- end -->\n`).ReplaceAllLiteralString(text, b.String())
	if *update {
		if err := os.WriteFile(filepath.Join(root, page), []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != text {
		t.Errorf("%s: the tests of directories have changed; go test -run DirectoriesPage -update writes it", page)
	}
}

// findEvidence reads the names of all tests, and which servers their files use.
func findEvidence(t *testing.T) map[string]evidence {
	t.Helper()
	found := map[string]evidence{}
	name := regexp.MustCompile(`(?m)^func (Test(?:LDAP|P)\d\w*)\(`)
	number := regexp.MustCompile(`^(LDAP|P)?0*(\d+)$`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return orSkip(err)
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, at := range name.FindAllStringSubmatchIndex(string(text), -1) {
			m := []string{"", string(text[at[2]:at[3]])}
			servers := serversOf(t, path, string(text), at[0])
			prefix := ""
			for part := range strings.SplitSeq(strings.TrimPrefix(m[1], "Test"), "_") {
				n := number.FindStringSubmatch(part)
				if n == nil {
					break
				}
				if n[1] != "" {
					prefix = n[1]
				}
				key := prefix + n[2]
				if found[key] == nil {
					found[key] = evidence{}
				}
				if !slices.Contains(found[key][servers], m[1]) {
					found[key][servers] = append(found[key][servers], m[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		for _, tests := range e {
			slices.Sort(tests)
		}
	}
	return found
}

// orSkip leaves a folder out, unless it cannot be read.
func orSkip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}

// serversOf names the directories that the test at a place in a file uses: those that it starts itself, or else those
// that its file, or the files of its package start.
func serversOf(t *testing.T, path, text string, at int) string {
	t.Helper()
	const fakes = "fake"
	if !strings.Contains(filepath.ToSlash(path), "/integration/") {
		return fakes
	}
	own, _, _ := strings.Cut(text[at:], "\n}\n")
	for _, names := range [][]string{started(own), imported(text)} {
		if len(names) > 0 {
			return strings.Join(names, " and ")
		}
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		other, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range imported(string(other)) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	if len(names) != 1 { // which one is not said
		return fakes
	}
	return names[0]
}

// started names the servers that a test itself starts, and imported those of its file.
func started(text string) []string {
	return servers(func(pkg string) bool {
		return strings.Contains(text, pkg+".Start(") || strings.Contains(text, pkg+".Shared(")
	})
}

func imported(text string) []string {
	return servers(func(pkg string) bool { return strings.Contains(text, "/integration/internal/"+pkg+`"`) })
}

// servers names the servers whose packages are used.
func servers(used func(pkg string) bool) []string {
	var names []string
	for _, s := range []struct{ pkg, name string }{{"ds389", "389-ds"}, {"samba", "Samba"}, {"slapd", "OpenLDAP"}} {
		if used(s.pkg) {
			names = append(names, s.name)
		}
	}
	return names
}
