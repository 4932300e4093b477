package docstest_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// TestPolicies: every policy in the pages, and every excerpt of its rules, is one that the gate takes.
func TestPolicies(t *testing.T) {
	t.Parallel()
	options := policyfile.Options{
		DefaultDirectory: "corp",
		Directories: map[string]policyfile.Directory{
			"corp": {GroupsBaseDN: "ou=groups,dc=corp,dc=example"}, "partner": {GroupsBaseDN: "ou=groups,dc=partner,dc=example"},
		},
		FindGroup: func(_ context.Context, _, name string) ([]identity.Group, error) {
			return []identity.Group{identity.NewGroup("id-of-"+name, "cn=any,dc=example", "any")}, nil
		},
	}
	found := 0
	for _, page := range pages(t) {
		for _, b := range blocks(readPage(t, page)) {
			text := strings.Join(b.lines, "\n") + "\n"
			switch {
			case b.language != "yaml" || regexp.MustCompile(`(?m)^(listen|registries|directories):`).MatchString(text):
				continue
			case regexp.MustCompile(`(?m)^version: 1`).MatchString(text):
			case regexp.MustCompile(`(?m)^ *- who:`).MatchString(text):
				text = "version: 1\nrules:\n" + text
			default:
				continue
			}
			found++
			if _, err := policyfile.Parse(page, []byte(text), options); err != nil {
				t.Errorf("%s:%d: %v", page, b.line, err)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d policies were found, which cannot be all", found)
	}
}

// TestPoliciesCanFail: a policy with a fault is found.
func TestPoliciesCanFail(t *testing.T) {
	t.Parallel()
	if _, err := policyfile.Parse("x", []byte("version: 1\nrules:\n  - who: anyone\n    can: pusk\n    repos: a\n"), policyfile.Options{}); err == nil {
		t.Error("an unknown action is taken")
	}
}
