package policyfile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// TestEveryFaultHasABadDocument: each code is the answer to some document here, or to what no document can be.
func TestEveryFaultHasABadDocument(t *testing.T) {
	t.Parallel()
	elsewhere := []policyfile.Code{policyfile.CodeUnreadable, policyfile.CodeTooLarge, policyfile.CodeMore} // TestLoad, TestTooLarge, TestFaultsAreBounded
	files, err := filepath.Glob("testdata/invalid-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[policyfile.Code]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := options()
		o.FindGroup = findGroup
		for _, f := range policyfile.Check(t.Context(), "policy.yaml", data, o).Faults {
			seen[f.Code] = true
		}
	}
	for _, c := range policyfile.Codes() {
		if !seen[c] && !slices.Contains(elsewhere, c) {
			t.Errorf("no document has the fault %s", c)
		}
	}
}

// TestNamesThatMovedOn: a warning at each rule that follows such a name, with the ids to write.
func TestNamesThatMovedOn(t *testing.T) {
	t.Parallel()
	const text = "version: 1\nrules:\n- {who: user:Eve, can: push, repos: a/**}\n- {who: signed-in, can: push, repos: users/<user>/**}\n" +
		"- {who: user:bob@partner, can: pull, repos: a/**}\n- {who: 'user-id:id-1', can: pull, repos: a/**}\n"
	known := []policyfile.KnownName{
		{Directory: "corp", Name: "eve", ID: "id-1", Now: "id-2"}, {Directory: "partner", Name: "bob", ID: "id-3"},
	}
	check := func(t *testing.T, edit func(*policyfile.Options)) string {
		t.Helper()
		o := options()
		o.KnownNames = func() ([]policyfile.KnownName, error) { return known, nil }
		edit(&o)
		r := policyfile.Check(t.Context(), "p.yaml", []byte(text), o)
		if r.Policy == nil {
			t.Fatalf("faults: %s", r.Faults.Text())
		}
		var lines []string
		for _, w := range r.Warnings {
			lines = append(lines, string(w.Code)+" "+w.Error())
		}
		return strings.Join(lines, "\n")
	}
	ids := func(id string, err error) func(*policyfile.Options) {
		return func(o *policyfile.Options) {
			o.AskAll = true
			o.FindUser = func(context.Context, string, string) (string, error) { return id, err }
		}
	}
	for _, test := range []struct {
		name string
		edit func(*policyfile.Options)
		want []string
	}{
		{"as it is remembered", func(*policyfile.Options) {}, []string{"name-moved p.yaml:3:3", "user-id:id-1", "user-id:id-2", "name-moved p.yaml:4:3"}},
		{"nothing is known", func(o *policyfile.Options) { o.KnownNames = nil }, nil},
		{"what is known cannot be read", func(o *policyfile.Options) {
			o.KnownNames = func() ([]policyfile.KnownName, error) { return nil, errors.New("closed") }
		}, []string{"directory-not-asked p.yaml", "closed"}},
		{"the directory has others", ids("ID-9", nil), []string{"name-moved p.yaml:3:3", "belongs to id-9 now", "name-moved p.yaml:5:3", "id-3"}},
		{"the directory has none", ids("", nil), []string{"user-not-found p.yaml:3:3", "user-not-found p.yaml:5:3", "user-id:id-3"}},
		{"the directory is away", ids("", errors.New("away")), []string{"directory-not-asked p.yaml", `"corp" could not be asked for users`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := check(t, test.edit)
			if len(test.want) == 0 && got != "" {
				t.Errorf("warnings:\n%s", got)
			}
			for _, text := range test.want {
				if !strings.Contains(got, text) {
					t.Errorf("no %q among the warnings:\n%s", text, got)
				}
			}
		})
	}
}
