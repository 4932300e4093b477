package policyfile_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

func TestFindGroupIsAskedOnce(t *testing.T) {
	t.Parallel()
	const text = `version: 1
groups:
  outside: [contractors, "CN=Guests,DC=corp", S-1-5-21-7]
rules:
- {who: group:outside, cannot: push, repos: "**"}
- {who: [group:contractors, group:ops@partner, "group:t-<x>", user:eve, signed-in], cannot: delete, repos: a/*}
- {who: group:readers, can: pull, repos: "**"}
`
	var mu sync.Mutex
	asked := map[string][]string{}
	o := options()
	o.FindGroup = func(ctx context.Context, directory, name string) ([]identity.Group, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("FindGroup without a deadline")
		}
		mu.Lock()
		asked[directory] = append(asked[directory], name)
		mu.Unlock()
		return findGroup(ctx, directory, "contractors")
	}
	if _, err := policyfile.Parse("p.yaml", []byte(text), o); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"corp": {"contractors", "CN=Guests,DC=corp", "S-1-5-21-7"}, "partner": {"ops"}}
	if !maps.EqualFunc(asked, want, slices.Equal) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

// TestLDAP66_OneDirectoryIsSilent: a directory that does not answer takes no time from another one: there the id is
// found, and the rule applies to the members of the group alone; here it applies to everybody.
func TestLDAP66_OneDirectoryIsSilent(t *testing.T) {
	t.Parallel()
	text := "version: 1\nrules:\n- {who: signed-in, can: push, repos: '**'}\n- {who: [group:ops, group:ops@partner], cannot: push, repos: '**'}\n"
	o := options()
	o.FindBudget = 50 * time.Millisecond
	silent := make(chan struct{})
	o.FindGroup = func(ctx context.Context, directory, _ string) ([]identity.Group, error) {
		if directory == "corp" {
			close(silent)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		<-silent // only then: its turn does not come after the other's time is up
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return []identity.Group{identity.NewGroup("p-ops", "cn=ops,dc=partner", "ops")}, nil
	}
	p, err := policyfile.ParseContext(t.Context(), "p.yaml", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	of := func(source string, groups ...identity.Group) identity.Principal {
		who := person("alice")
		who.Source, who.Groups = source, groups
		return who
	}
	member := of("partner", identity.NewGroup("p-ops", "cn=ops,dc=partner", "ops"))
	for _, tt := range []struct {
		who  identity.Principal
		want bool
	}{{of("corp"), false}, {of("partner"), true}, {member, false}} {
		if got := p.Decide(ask(tt.who, "push x/y")).Granted != 0; got != tt.want {
			t.Errorf("person of %s with groups %v may push: %v, want %v", tt.who.Source, tt.who.Groups, got, tt.want)
		}
	}
}

// TestSilentDirectory: one that does not answer is asked once a load, and not for longer than the budget.
func TestSilentDirectory(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("version: 1\nrules:\n- {who: signed-in, can: push, repos: '**'}\n")
	for _, name := range []string{"a", "b", "c@partner", "d@partner"} {
		text.WriteString("- {who: group:" + name + ", cannot: push, repos: '**'}\n")
	}
	var asked atomic.Int32
	o := options()
	o.FindBudget = time.Millisecond
	o.FindGroup = func(ctx context.Context, _, _ string) ([]identity.Group, error) {
		asked.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	p, err := policyfile.ParseContext(t.Context(), "p.yaml", []byte(text.String()), o)
	if err != nil {
		t.Fatalf("a directory that is away is a fault: %v", err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want once a directory", n)
	}
	for _, source := range []string{"corp", "partner", "bare"} {
		who := person("alice")
		who.Source = source
		if got, want := p.Decide(ask(who, "push x/y")).Granted != 0, source == "bare"; got != want {
			t.Errorf("person of %s may push: %v, want %v", source, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	groupOf := func(id, dn, name, source string) identity.Principal {
		p := person("alice")
		p.Source, p.Groups = source, []identity.Group{identity.NewGroup(id, dn, name)}
		return p
	}
	tests := []struct {
		name, who string
		principal identity.Principal
		want      bool
	}{
		{"short name", "group:ops", groupOf("1", "cn=ops,dc=x", "OPS", "corp"), true},
		{"short name elsewhere", "group:ops", groupOf("1", "cn=ops,dc=x", "ops", "partner"), false},
		{"of a directory", "group:ops@partner", groupOf("1", "cn=ops,dc=x", "ops", "partner"), true},
		{"DN", `"group:CN=Ops,DC=x"`, groupOf("1", "cn=ops,dc=x", "", "corp"), true},
		{"DN of a directory", `"group:CN=Ops,DC=x@partner"`, groupOf("1", "cn=ops,dc=x", "", "partner"), true},
		{"DN with an at sign", `"group:CN=Ops@berlin,DC=x"`, groupOf("1", "cn=ops@berlin,dc=x", "", "corp"), true},
		{"DN in a directory without a base", `"group:CN=Ops,DC=x@bare"`, groupOf("1", "cn=ops,dc=x", "", "bare"), true},
		{"SID", "group:S-1-5-21-1-2-3", groupOf("S-1-5-21-1-2-3", "cn=ops", "", "corp"), true},
		{"UUID", "group:6BA7B810-9DAD-11D1-80B4-00C04FD430C8", groupOf("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "cn=ops", "", "corp"), true},
		{"389 id", "group:6ba7b810-9dad11d1-80b400c0-4fd430c8", groupOf("6ba7b810-9dad11d1-80b400c0-4fd430c8", "cn=ops", "", "corp"), true},
		{"an id is no name", "group:S-1-5-21-1-2-3", groupOf("x", "cn=ops", "S-1-5-21-1-2-3", "corp"), false},
		{"alias", "group:team", groupOf("1", "cn=b,dc=x", "", "corp"), true},
		{"alias hides the group of its name", "group:team", groupOf("1", "cn=team", "team", "corp"), false},
		{"a directory's group is no alias", "group:team@partner", groupOf("1", "cn=team", "team", "partner"), true},
		{"user", "user:Alice", person("alice"), true},
		{"user with an at sign", "user:alice@corp.example@corp", person("alice@corp.example"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := "version: 1\ngroups: {team: [\"CN=A,DC=x\", \"CN=B,DC=x\"]}\nrules:\n- who: " + tt.who + "\n  can: pull\n  repos: x\n"
			p, err := policyfile.Parse("p.yaml", []byte(text), options())
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Decide(ask(tt.principal, "pull x")).Granted != 0; got != tt.want {
				t.Errorf("%s may pull: %v, want %v", tt.who, got, tt.want)
			}
		})
	}
}

func TestDefaultDirectory(t *testing.T) {
	t.Parallel()
	text := []byte("version: 1\nrules:\n- {who: [group:a, user:b], can: pull, repos: x}\n- {who: signed-in, can: pull, repos: u/<user>/*}\n")
	o := options()
	o.DefaultDirectory = ""
	_, err := policyfile.Parse("p.yaml", text, o)
	faults, _ := errors.AsType[policyfile.Faults](err)
	if len(faults) != 3 || faults[0].Code != policyfile.CodeUnknownDirectory {
		t.Errorf("without a default directory: %v", err)
	}
	o.Directories = map[string]policyfile.Directory{"only": {GroupsBaseDN: "dc=x"}}
	p, err := policyfile.Parse("p.yaml", text, o)
	if err != nil {
		t.Fatalf("with a single directory: %v", err)
	}
	who := person("b")
	who.Source = "only"
	if p.Decide(ask(who, "pull x")).Granted == 0 || p.Decide(ask(who, "pull u/b/x")).Granted == 0 {
		t.Error("the single directory is not the default")
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	_, err := policyfile.Load(t.Context(), path, options())
	faults, ok := errors.AsType[policyfile.Faults](err)
	if !ok || faults[0].Code != policyfile.CodeUnreadable || strings.Contains(faults[0].Message, path) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("\ufeff"+strings.ReplaceAll(examples, "\n", "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := policyfile.Load(t.Context(), path, options())
	if err != nil || p.Len() != 7 || len(p.Revision()) != 12 {
		t.Fatalf("Load = %v, %v", p, err)
	}
	if r := p.Rules()[1]; r.Position.File != path || r.Position.Line != 15 || r.Position.Column != 5 || r.Number != 2 {
		t.Errorf("rule 2 stands at %v, number %d", r.Position, r.Number)
	}
}

// FuzzParse: no document makes a panic; what is accepted is accepted again in the same way, grants nothing
// that its explanation cannot attribute, and grants no more with one more cannot.
func FuzzParse(f *testing.F) {
	f.Add([]byte(examples))
	f.Add([]byte(blocked))
	f.Add([]byte(printed(f)))
	files, _ := filepath.Glob("testdata/invalid-*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	people := []identity.Principal{{}, person("alice", "payments", "team-a", "a-dev-rw"), person("eve", "CN=x,DC=y"), {Kind: identity.Robot, Name: "ci"}}
	now := time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		o := options()
		o.FindGroup, o.Now = findGroup, func() time.Time { return now }
		p, err := policyfile.Parse("p.yaml", data, o)
		again, err2 := policyfile.Parse("p.yaml", data, o)
		if err != nil || err2 != nil {
			if err == nil || err2 == nil || err.Error() != err2.Error() {
				t.Fatalf("once %v, then %v", err, err2)
			}
			faults, ok := errors.AsType[policyfile.Faults](err)
			if !ok || len(faults) == 0 || faults.Text() == "" {
				t.Fatalf("error %v is no faults", err)
			}
			return
		}
		further, err := policyfile.Parse("p.yaml", append(slices.Clone(data), "\n- {who: anyone, cannot: push, repos: a/**}\n"...), o)
		for _, who := range people {
			for _, words := range []string{"pull a/b", "push a/b", "delete payments/x/y", "push apps/a/dev/x", "catalog"} {
				r := ask(who, words)
				r.Service, r.Client, r.Now = "registry.corp.example", netip.MustParseAddr("10.20.0.1"), now
				d := p.Decide(r)
				if again.Decide(r).Granted != d.Granted {
					t.Fatalf("%s: parsing is not deterministic", words)
				}
				if err == nil && further.Decide(r).Granted&^d.Granted != 0 {
					t.Fatalf("%s: one more cannot widens", words)
				}
				for _, a := range p.Explain(r).Actions {
					if a.Granted != d.Granted.Has(a.Action) || a.Granted && (len(a.Given) == 0 || a.Given[0].Rule.Position.Line == 0) {
						t.Fatalf("%s: granted %q, explained %+v", words, d.Granted, a)
					}
				}
			}
		}
	})
}

// BenchmarkParse reads 100,000 rules.
func BenchmarkParse(b *testing.B) {
	text := []byte("version: 1\nrules:\n" + strings.Repeat("  - who: group:payments\n    can: [push, delete]\n    repos: payments/**\n", 100_000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policyfile.Parse("p.yaml", text, options()); err != nil {
			b.Fatal(err)
		}
	}
}
