package policyfile_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// printed is the example that the language was designed with, with its tests, as it was printed.
func printed(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/printed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestPrintedExample: all 21 assertions of the printed example hold, and none of their opposites.
func TestPrintedExample(t *testing.T) {
	t.Parallel()
	text := printed(t)
	p, err := policyfile.Parse("policy.yaml", []byte(text), options())
	if err != nil {
		t.Fatal(err)
	}
	if p.Len() != 10 {
		t.Errorf("%d rules, want 10", p.Len())
	}
	rules, tests, _ := strings.Cut(text, "\ntests:")
	opposite := strings.NewReplacer("cannot: ", "can: ", "can: ", "cannot: ").Replace(tests)
	_, err = policyfile.Parse("policy.yaml", []byte(rules+"\ntests:"+opposite), options())
	faults, _ := errors.AsType[policyfile.Faults](err)
	if len(faults) != 21 {
		t.Errorf("%d faults, want 21", len(faults))
	}
	for _, f := range faults {
		if f.Code != policyfile.CodeFailedTest {
			t.Errorf("%s: %s", f.Code, f.Error())
		}
	}
}

// TestTestsNeedNoDirectory: the outcome does not depend on what the directory answers.
func TestTestsNeedNoDirectory(t *testing.T) {
	t.Parallel()
	text := []byte(blocked + "tests:\n- {as: {user: alice}, can: push a/b}\n- {as: {user: eve, groups: [contractors]}, cannot: push a/b}\n")
	renamed := identity.NewGroup("id", "cn=renamed,dc=x", "renamed")
	for name, find := range map[string]func(context.Context, string, string) ([]identity.Group, error){
		"nobody to ask": nil,
		"away":          func(context.Context, string, string) ([]identity.Group, error) { return nil, errors.New("away") },
		"renamed":       func(context.Context, string, string) ([]identity.Group, error) { return []identity.Group{renamed}, nil },
	} {
		o := options()
		o.FindGroup = find
		if _, err := policyfile.Parse("p.yaml", text, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestADayThatPassesRefusesNothing: a test without a time of its own that fails by the date alone is no fault.
func TestADayThatPassesRefusesNothing(t *testing.T) {
	t.Parallel()
	const rules = "version: 1\nrules:\n- {who: user:eve, can: pull, repos: a/**, until: 2026-12-31}\ntests:\n- as: "
	tests := []struct {
		name, test string
		now        time.Time
		want       bool
	}{
		{"before", "{user: eve}\n  can: pull a/b", time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), true},
		{"after", "{user: eve}\n  can: pull a/b", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), true},
		{"after, with its time", "{user: eve, at: 2027-01-01}\n  can: pull a/b", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{"never", "{user: bob}\n  can: pull a/b", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{"not after", "{user: eve}\n  cannot: pull a/b", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), true},
	}
	for _, tt := range tests {
		o := options()
		o.Now = func() time.Time { return tt.now }
		if _, err := policyfile.Parse("p.yaml", []byte(rules+tt.test+"\n"), o); (err == nil) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestTestsAskLikeTheirRegistry: with one registry it is the one that is meant; with several a test names it.
func TestTestsAskLikeTheirRegistry(t *testing.T) {
	t.Parallel()
	text := []byte("version: 1\nrules:\n- {who: anyone, can: pull, repos: a/**, on: mirror.corp.example}\ntests:\n- {as: {}, can: pull a/b}\n")
	o := options()
	if _, err := policyfile.Parse("p.yaml", text, o); err == nil {
		t.Error("with two registries the test does not say which")
	}
	o.Services = []string{"mirror.corp.example"}
	if _, err := policyfile.Parse("p.yaml", text, o); err != nil {
		t.Error(err)
	}
}
