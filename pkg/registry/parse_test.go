package registry_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// repo is a scope on a repository.
func repo(name string, a registry.Actions) registry.Scope {
	return registry.Scope{Type: registry.TypeRepository, Name: name, Actions: a}
}

// parse reads scopes that are fit as a whole.
func parse(t *testing.T, values ...string) ([]registry.Scope, []registry.Dropped) {
	t.Helper()
	scopes, dropped, err := registry.ParseScopes(values, 0)
	if err != nil {
		t.Fatalf("ParseScopes(%q): %v", values, err)
	}
	return scopes, dropped
}

func TestP41_RepeatedAndJoinedScopesGiveTheUnion(t *testing.T) {
	t.Parallel()
	want := []registry.Scope{repo("a", registry.Pull), repo("b", registry.Pull|registry.Push)}
	tests := []struct {
		name   string
		values []string
	}{
		{"repeated", []string{"repository:a:pull", "repository:b:push,pull"}},
		{"joined", []string{"repository:a:pull repository:b:push,pull"}},
		{"both", []string{"repository:b:push repository:a:pull", "repository:b:pull", ""}},
		{"with empty ones", []string{" ", "  repository:b:pull,push  repository:a:pull "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, dropped := parse(t, tt.values...)
			if !slices.Equal(got, want) || len(dropped) != 0 {
				t.Errorf("ParseScopes(%q) = %v, dropped %v, want %v", tt.values, got, dropped, want)
			}
		})
	}
}

func TestP42_OneResourceIsOneEntry(t *testing.T) {
	t.Parallel()
	got, _ := parse(t, "repository:a:pull", "repository:a:pull,push repository:a:push,pull")
	if want := []registry.Scope{repo("a", registry.Pull|registry.Push)}; !slices.Equal(got, want) {
		t.Errorf("scopes = %v, want %v", got, want)
	}
}

func TestP46_StarOnARepositoryAsksForAll(t *testing.T) {
	t.Parallel()
	got, dropped := parse(t, "repository:a:*")
	if want := []registry.Scope{repo("a", registry.Wildcard)}; !slices.Equal(got, want) || len(dropped) != 0 {
		t.Errorf("scopes = %v, dropped %v, want %v", got, dropped, want)
	}
}

func TestP47_StarOnTheCatalogIsLiteral(t *testing.T) {
	t.Parallel()
	got, _ := parse(t, "registry:catalog:*")
	want := []registry.Scope{{Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog}}
	if !slices.Equal(got, want) {
		t.Errorf("scopes = %v, want %v", got, want)
	}
}

func TestP48_ClassIsDropped(t *testing.T) {
	t.Parallel()
	got, _ := parse(t, "repository(plugin):a:pull", "repository:a:push")
	if want := []registry.Scope{repo("a", registry.Pull|registry.Push)}; !slices.Equal(got, want) {
		t.Errorf("scopes = %v, want %v", got, want)
	}
}

func TestP49_HostAndPortStayInTheName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"host.example:5000/team/app", "[fd00::1]:5000/a", "[fd00::1]/a", "Host.Example/a", "localhost:5000/a"} {
		got, dropped := parse(t, "repository:"+name+":pull")
		if want := []registry.Scope{repo(name, registry.Pull)}; !slices.Equal(got, want) {
			t.Errorf("scope of %q = %v, dropped %v, want %v", name, got, dropped, want)
		}
	}
}

func TestP50_LongAndDeepNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 255)
	deep := "a/b/c/d/e/f/g/h/i/j"
	got, _ := parse(t, "repository:"+deep+":pull repository:"+long+":pull")
	if want := []registry.Scope{repo(deep, registry.Pull), repo(long, registry.Pull)}; !slices.Equal(got, want) {
		t.Errorf("scopes = %v, want %v", got, want)
	}
	got, dropped := parse(t, "repository:"+long+"a:pull")
	if len(got) != 0 || len(dropped) != 1 || dropped[0].Reason != registry.DropBadName {
		t.Errorf("256 bytes: scopes = %v, dropped = %v", got, dropped)
	}
}

// illegalNames are never accepted, whatever a policy says.
func illegalNames() []string {
	return []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "../a", "a/..", "*", "a/*", "**", "a/**", "a?", "[ab]", "{a}",
		"Team/app", "TEAM", "team/App", "host.example/App", "localhost/A", "a%2fb", "%2f", "a/%2e%2e/b", "a\tb", "a\x01",
		"a\x7fb", "é", "a..b", "a___b", "-a", "a-", "_a", "a_", ".a", "a.", "a.-b", "a_-b", "a-_b", "a:b", "host:/a", "host:123456/a",
		"host:5x/a", ":5000/a", "host.example:5000", "host.example:5000/", "[fd00::1/a", "[fd00::1]", "[1.2.3.4]:1/a", "[fe80::1%25a]/a",
		"[fd00::1]x/a", "[]:1/a", "-h.example:5/a", "h..example:5/a", "a\\b", "a@b", "a:5000:b/c", "a+b", "a,b", "$a", "<team>/a",
	}
}

func TestP51_IllegalNamesAreDropped(t *testing.T) {
	t.Parallel()
	for _, name := range illegalNames() {
		if registry.ValidName(name) {
			t.Errorf("ValidName(%q) = true", name)
		}
		got, dropped := parse(t, "repository:"+name+":pull,push")
		if len(got) != 0 || len(dropped) != 1 || dropped[0].Reason != registry.DropBadName {
			t.Errorf("name %q: scopes = %v, dropped = %v, want %s", name, got, dropped, registry.DropBadName)
		}
	}
	if got, dropped := parse(t, "repository::pull"); len(dropped) != 0 || len(got) != 1 || got[0].String() != "registry:catalog:" {
		t.Errorf("no name: scopes = %v, dropped = %v; want the catalog with nothing that can be granted", got, dropped)
	}
	if got, dropped := parse(t, "repository:a b:pull"); len(got) != 0 || len(dropped) != 2 {
		t.Errorf("a space: scopes = %v, dropped = %v", got, dropped)
	}
}

func TestP52_CaseIsKept(t *testing.T) {
	t.Parallel()
	got, dropped := parse(t, "repository:Reg.Example:5000/x:pull repository:reg.example:5000/x:pull repository:Team/x:pull")
	want := []registry.Scope{repo("Reg.Example:5000/x", registry.Pull), repo("reg.example:5000/x", registry.Pull)}
	if !slices.Equal(got, want) || len(dropped) != 1 {
		t.Errorf("scopes = %v, dropped = %v, want %v", got, dropped, want)
	}
}

func TestP53_BadElementsLeaveTheGoodOnes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, element string
		reason        registry.DropReason
	}{
		{"no colon", "repository", registry.DropMalformed},
		{"one colon", "repository:a", registry.DropMalformed},
		{"no action", "repository:a:", registry.DropMalformed},
		{"only commas", "repository:a:,", registry.DropMalformed},
		{"no type", ":a:pull", registry.DropMalformed},
		{"type in upper case", "Repository:a:pull", registry.DropMalformed},
		{"open class", "repository(plugin:a:pull", registry.DropMalformed},
		{"empty class", "repository():a:pull", registry.DropMalformed},
		{"text after the class", "repository(x)y:a:pull", registry.DropMalformed},
		{"unknown type", "artifact:a:pull", registry.DropUnknownType},
		{"unknown resource", "registry:nothing:*", registry.DropUnknownName},
		{"unknown action", "repository:a:scan", registry.DropUnknownAction},
		{"action in upper case", "repository:a:PULL", registry.DropUnknownAction},
		{"unknown catalog action", "registry:catalog:search", registry.DropUnknownAction},
		{"pull of the catalog", "registry:catalog:pull", registry.DropUnknownAction},
		{"empty name", "repository::push", registry.DropBadName},
	}
	good := []registry.Scope{repo("good/one", registry.Pull)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, dropped := parse(t, tt.element+" repository:good/one:pull")
			if !slices.Equal(got, good) {
				t.Errorf("scopes = %v, want %v", got, good)
			}
			if want := []registry.Dropped{{Text: tt.element, Reason: tt.reason}}; !slices.Equal(dropped, want) {
				t.Errorf("dropped = %v, want %v", dropped, want)
			}
		})
	}
}

func TestP53_EmptyScopeIsNoScope(t *testing.T) {
	t.Parallel()
	for _, values := range [][]string{nil, {""}, {" "}, {"", "   "}} {
		got, dropped := parse(t, values...)
		if len(got) != 0 || len(dropped) != 0 {
			t.Errorf("ParseScopes(%q) = %v, dropped %v, want nothing", values, got, dropped)
		}
	}
}

func TestUnknownActionLeavesTheOthers(t *testing.T) {
	t.Parallel()
	got, dropped := parse(t, "repository:a:pull,scanner-pull")
	if want := []registry.Scope{repo("a", registry.Pull)}; !slices.Equal(got, want) {
		t.Errorf("scopes = %v, want %v", got, want)
	}
	if len(dropped) != 1 || dropped[0].Reason != registry.DropUnknownAction {
		t.Errorf("dropped = %v, want one unknown action", dropped)
	}
}

func TestP54_UnfitAsAWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []string
		limit  int
		want   string
	}{
		{"too many", []string{strings.Repeat("repository:a:pull ", 257)}, 0, "scope: more than 256 elements"},
		{"too many bad ones", []string{"x x", "x"}, 2, "scope: more than 2 elements"},
		{"too long", []string{strings.Repeat("a", 40<<10), strings.Repeat("a", 40<<10)}, 0, "scope: more than 65536 bytes"},
		{"NUL", []string{"repository:a:pull", "a\x00"}, 0, "scope: holds NUL, CR or LF"},
		{"CR", []string{"repository:a:pull\r"}, 0, "scope: holds NUL, CR or LF"},
		{"LF", []string{"repository:a:pull\nx"}, 0, "scope: holds NUL, CR or LF"},
		{"not UTF-8", []string{"repository:\xff:pull"}, 0, "scope: not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, dropped, err := registry.ParseScopes(tt.values, tt.limit)
			if _, ok := errors.AsType[*registry.ScopeError](err); !ok || err.Error() != tt.want {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
			if got != nil || dropped != nil {
				t.Errorf("scopes = %v, dropped = %v beside an error", got, dropped)
			}
		})
	}
	if got, _, err := registry.ParseScopes([]string{strings.Repeat("repository:a:pull ", 256)}, 0); err != nil || len(got) != 1 {
		t.Errorf("256 elements: %v, %v", got, err)
	}
}

func TestP56_OrderIsDeterministic(t *testing.T) {
	t.Parallel()
	one, _ := parse(t, "repository:b:push,pull registry:catalog:* repository:a:delete,pull")
	two, _ := parse(t, "repository:a:pull,delete", "repository:b:pull,push registry:catalog:*")
	if !slices.Equal(one, two) {
		t.Errorf("%v and %v, want equal", one, two)
	}
	var text []string
	for _, s := range one {
		text = append(text, s.String())
	}
	if got, want := strings.Join(text, " "), "registry:catalog:* repository:a:delete,pull repository:b:pull,push"; got != want {
		t.Errorf("scopes = %q, want %q", got, want)
	}
}

func TestDroppedTextIsSafeAndBounded(t *testing.T) {
	t.Parallel()
	_, dropped := parse(t, "repository:\x1b[2J\u202e\"é:pull", strings.Repeat("é", 500))
	if len(dropped) != 2 {
		t.Fatalf("dropped = %v, want two", dropped)
	}
	for _, d := range dropped {
		if len(d.Text) > 1000 {
			t.Errorf("text of %d bytes, want it bounded", len(d.Text))
		}
		for i := range len(d.Text) {
			if c := d.Text[i]; c < 0x20 || c > 0x7e {
				t.Errorf("text %q holds byte %#x", d.Text, c)
			}
		}
	}
}
