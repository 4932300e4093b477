package policyfile_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// findGroup knows one group, two of another name, and no others.
func findGroup(_ context.Context, _, name string) ([]identity.Group, error) {
	g := identity.NewGroup("id-"+name, "cn="+name+",ou=groups,dc=corp,dc=example", name)
	switch name {
	case "contractors":
		return []identity.Group{g}, nil
	case "twice":
		return []identity.Group{g, g}, nil
	default:
		return nil, nil
	}
}

// TestInvalid holds the message of every bad document against the file beside it.
func TestInvalid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/invalid-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad documents: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			o := options()
			o.FindGroup = findGroup
			p, err := policyfile.Parse("policy.yaml", data, o)
			faults, ok := errors.AsType[policyfile.Faults](err)
			if !ok || p != nil {
				t.Fatalf("Parse gives %v and %v, want faults alone", p, err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(faults.Text()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := faults.Text() + "\n"; got != string(want) {
				t.Errorf("faults:\n%s\nwant:\n%s", got, want)
			}
			for _, f := range faults {
				if !slices.Contains(policyfile.Codes(), f.Code) || f.Remedy == "" {
					t.Errorf("fault %+v has no known code or no remedy", f)
				}
			}
		})
	}
}

func TestFaultsAsJSON(t *testing.T) {
	t.Parallel()
	_, err := policyfile.Parse("p.yaml", []byte("version: 1\nrules:\n- who: anyone\n  can: pusk\n  repos: x\n"), options())
	text, jsonErr := json.Marshal(err)
	const want = `[{"file":"p.yaml","line":4,"column":8,"length":4,"code":"unknown-action","message":"unknown action \"pusk\"",` +
		`"remedy":"did you mean \"push\"? (pull, push, delete, catalog, everything)","excerpt":"  can: pusk"}]`
	if jsonErr != nil || string(text) != want {
		t.Errorf("json.Marshal = %s (%v), want %s", text, jsonErr, want)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	text := "version: 1\nrules:\n" + strings.Repeat("- {}\n", 1000)
	_, err := policyfile.Parse("p.yaml", []byte(text), options())
	faults, ok := errors.AsType[policyfile.Faults](err)
	if !ok || len(faults) != 101 || faults[100].Code != policyfile.CodeMore {
		t.Errorf("%d faults, the last %v", len(faults), faults[len(faults)-1])
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"bytes": strings.Repeat("#", policyfile.MaxBytes+1),
		"items": "rules: [" + strings.Repeat("a,", 3_000_001) + "]",
		"rules": "version: 1\nrules: [" + strings.Repeat("1,", policyfile.MaxRules+1) + "]",
	} {
		_, err := policyfile.Parse("p.yaml", []byte(text), options())
		faults, ok := errors.AsType[policyfile.Faults](err)
		if !ok || len(faults) != 1 || faults[0].Code != policyfile.CodeTooLarge {
			t.Errorf("%s: %.300v, want one fault %s", name, err, policyfile.CodeTooLarge)
		}
	}
}

// TestEveryCodeIsDescribed holds the codes against the reference page.
func TestEveryCodeIsDescribed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/reference/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range slices.Concat(policyfile.Codes(), policyfile.WarningCodes()) {
		if !strings.Contains(string(page), "| `"+string(c)+"` |") {
			t.Errorf("docs/reference/policy.md does not describe %s", c)
		}
	}
	if n := strings.Count(string(page), "\n| `"); n < len(policyfile.Codes()) {
		t.Errorf("the page has %d rows for %d codes", n, len(policyfile.Codes()))
	}
}
