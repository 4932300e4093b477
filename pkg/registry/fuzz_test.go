package registry_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// legalName is the grammar of distribution's reference package, written down a second time.
const legalName = `^(?:(?:` + domain + `(?:\.` + domain + `)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?` + component + `(?:/` + component + `)*$`

const (
	domain    = `(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
	component = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
)

// FuzzParseScopes: what is accepted is legal, in order, and the same when it is written out and read again.
func FuzzParseScopes(f *testing.F) {
	for _, s := range []string{
		"repository:a:pull", "repository:b:push,pull repository(plugin):a/b:*", "registry:catalog:*", " ", "a:b",
		"repository:host.example:5000/team/app:pull,delete", "repository:[fd00::1]:5000/a:pull", "repository:Team/app:pull",
		"repository:a/../b:pull", "repository:a::pull", "repository:a:pull,,x", "repository:a__b-c--d.e:push",
	} {
		f.Add(s, "")
	}
	for _, name := range illegalNames() {
		f.Add("repository:"+name+":*", "repository:good:pull")
	}
	legal := regexp.MustCompile(legalName)
	f.Fuzz(func(t *testing.T, one, two string) {
		scopes, _, err := registry.ParseScopes([]string{one, two}, 0)
		if err != nil {
			if len(scopes) != 0 {
				t.Fatalf("scopes %v beside error %v", scopes, err)
			}
			return
		}
		var written []string
		for i, s := range scopes {
			checkScope(t, legal, s)
			if i > 0 && scopes[i-1].Type == s.Type && scopes[i-1].Name >= s.Name {
				t.Errorf("%v does not sort before %v", scopes[i-1], s)
			}
			written = append(written, s.String())
		}
		slices.Reverse(written)
		again, dropped, err := registry.ParseScopes(written, len(written))
		if err != nil || len(dropped) != 0 || !slices.Equal(again, scopes) {
			t.Errorf("%q reads as %v (dropped %v, %v), want %v", written, again, dropped, err, scopes)
		}
	})
}

// checkScope fails for a scope that must not come out of the parser.
func checkScope(t *testing.T, legal *regexp.Regexp, s registry.Scope) {
	t.Helper()
	switch s.Type {
	case registry.TypeRepository:
		if !legal.MatchString(s.Name) || len(s.Name) > 255 {
			t.Errorf("name %q is accepted", s.Name)
		}
		if s.Actions == 0 || !(registry.RepositoryActions | registry.Wildcard).Has(s.Actions) {
			t.Errorf("actions %b on a repository", s.Actions)
		}
	case registry.TypeRegistry:
		if s.Name != registry.CatalogName || s.Actions != registry.Catalog {
			t.Errorf("scope %v on the registry", s)
		}
	default:
		t.Errorf("type %q", s.Type)
	}
}

// FuzzValidName: no name outside the grammar, and all lower-case names in it.
func FuzzValidName(f *testing.F) {
	for _, name := range append(illegalNames(), "a", "a/b", "a.b_c__d---e", "host:1/a", "[::1]:1/a", "A.B/c") {
		f.Add(name)
	}
	legal := regexp.MustCompile(legalName)
	plain := regexp.MustCompile(`^` + component + `(?:/` + component + `)*$`)
	f.Fuzz(func(t *testing.T, name string) {
		got := registry.ValidName(name)
		if got && !legal.MatchString(name) {
			t.Errorf("ValidName(%q) = true outside the grammar", name)
		}
		if !got && len(name) <= 255 && plain.MatchString(name) {
			t.Errorf("ValidName(%q) = false inside the grammar", name)
		}
	})
}
