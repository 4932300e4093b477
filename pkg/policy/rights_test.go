package policy_test

import (
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// TestRightsFillsHoles: what is listed for a person is what the rules mean for that person.
func TestRightsFillsHoles(t *testing.T) {
	t.Parallel()
	rule := func(kind policy.SubjectKind, text, name, pattern string) policy.Rule {
		s, err := policy.NewSubject(kind, text, "corp", name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		return policy.Rule{Who: []policy.Subject{s}, Actions: registry.Push, Repos: []policy.Pattern{p}}
	}
	p, err := policy.New(policy.Options{DefaultDirectory: "corp", Rules: []policy.Rule{
		rule(policy.GroupName, "group:team-<team>", "team-<team>", "<team>/**"),
		rule(policy.SignedIn, "signed-in", "", "users/<user>/**"),
		rule(policy.GroupName, "group:platform", "platform", "**"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	who := identity.Principal{Kind: identity.Person, Source: "corp", ID: "1", Name: "Alice", Groups: []identity.Group{
		identity.NewGroup("g1", "cn=team-search,ou=groups,dc=x", "team-search"),
		identity.NewGroup("g2", "cn=Team-Ads,ou=groups,dc=x", "Team-Ads"),
	}}
	var got []string
	for _, r := range p.Rights(who) {
		got = append(got, r.Repos...)
	}
	want := []string{"search/**", "ads/**", "users/alice/**"}
	if !slices.Equal(got, want) {
		t.Errorf("Rights(%s) repositories = %q, want %q", who.Name, got, want)
	}
}
