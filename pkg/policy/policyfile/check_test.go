package policyfile_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// TestWarnings holds the warnings about a document against the file beside it; the directory has some of its
// groups.
func TestWarnings(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/warned.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Now = func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }
	o.FindGroup = func(ctx context.Context, directory, name string) ([]identity.Group, error) {
		if name == "payments" || name == "team-base" {
			return findGroup(ctx, directory, "contractors")
		}
		return findGroup(ctx, directory, name)
	}
	offline := policyfile.Check(t.Context(), "policy.yaml", data, o)
	o.AskAll = true
	r := policyfile.Check(t.Context(), "policy.yaml", data, o)
	if r.Policy == nil || len(r.Faults) > 0 || r.Rules != 10 || r.Tests != 2 || r.Assertions != 2 {
		t.Fatalf("Check = %+v", r)
	}
	if *update {
		if err := os.WriteFile("testdata/warned.txt", []byte(r.Warnings.Text()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/warned.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Warnings.Text() + "\n"; got != string(want) {
		t.Errorf("warnings:\n%s\nwant:\n%s", got, want)
	}
	asks := []policyfile.Code{policyfile.WarnUnknownGroup, policyfile.WarnAmbiguousGroup}
	for _, w := range offline.Warnings {
		if slices.Contains(asks, w.Code) || !slices.ContainsFunc(r.Warnings, func(f policyfile.Fault) bool { return f == w }) {
			t.Errorf("without asking: %s", w.Error())
		}
	}
	for _, w := range r.Warnings {
		if !slices.Contains(policyfile.WarningCodes(), w.Code) || w.Remedy == "" {
			t.Errorf("%+v has no known code or no remedy", w)
		}
	}
}

func TestCheckTellsFaultsAlone(t *testing.T) {
	t.Parallel()
	r := policyfile.Check(t.Context(), "p.yaml", []byte("version: 1\nrules:\n- {who: anyone, can: push, repos: a}\n- {who: x, can: pull, repos: a}\n"), options())
	if r.Policy != nil || len(r.Faults) != 1 || r.Faults[0].Code != policyfile.CodeUnknownSubject || len(r.Warnings) != 0 {
		t.Errorf("Check = %+v", r)
	}
	failing := policyfile.Check(t.Context(), "p.yaml", []byte("version: 1\nrules: []\ntests:\n- {as: {}, can: catalog}\n"), options())
	if len(failing.Faults) != 1 || failing.Faults[0].Code != policyfile.CodeFailedTest || failing.Assertions != 1 {
		t.Errorf("Check = %+v", failing)
	}
}

// TestThePrintedExampleIsQuiet: a good policy has no warnings.
func TestThePrintedExampleIsQuiet(t *testing.T) {
	t.Parallel()
	o := options()
	o.Now = func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }
	if r := policyfile.Check(t.Context(), "policy.yaml", []byte(printed(t)), o); len(r.Faults) > 0 || len(r.Warnings) > 0 || r.Assertions != 21 {
		t.Errorf("%d assertions\n%s\n%s", r.Assertions, r.Faults.Text(), r.Warnings.Text())
	}
}

func TestASilentDirectoryIsAWarning(t *testing.T) {
	t.Parallel()
	asked := 0
	o := options()
	o.AskAll = true
	o.FindGroup = func(context.Context, string, string) ([]identity.Group, error) {
		asked++
		return nil, errors.New("away")
	}
	r := policyfile.Check(t.Context(), "p.yaml", []byte("version: 1\nrules:\n- {who: [group:a, group:b], can: push, repos: a/**}\n"), o)
	if len(r.Warnings) != 1 || r.Warnings[0].Code != policyfile.WarnNotAsked || asked != 1 {
		t.Errorf("asked %d times, %v", asked, r.Warnings)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	text := "version: 1\nrules:\n" + strings.Repeat("- {who: group:a, can: push, repos: a/**}\n", 1000)
	r := policyfile.Check(t.Context(), "p.yaml", []byte(text), options())
	if len(r.Warnings) != 101 || r.Warnings[100].Code != policyfile.CodeMore || !strings.Contains(r.Warnings[100].Message, "warnings") {
		t.Errorf("%d warnings, the last %v", len(r.Warnings), r.Warnings[len(r.Warnings)-1])
	}
}

// BenchmarkCheck reads and checks 100,000 rules, a hundred of them a cannot.
func BenchmarkCheck(b *testing.B) {
	text := []byte("version: 1\nrules:\n" + strings.Repeat("  - who: group:payments\n    can: [push, delete]\n    repos: payments/**\n", 100_000) +
		strings.Repeat("  - who: group:contractors\n    cannot: push\n    repos: payments/**\n", 100))
	o := options()
	o.FindGroup = findGroup
	b.ReportAllocs()
	for b.Loop() {
		policyfile.Check(b.Context(), "p.yaml", text, o)
	}
}
