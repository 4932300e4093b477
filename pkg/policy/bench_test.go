package policy_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// shape makes n rules in one way; the person of member asks for one path.
type shape struct {
	name string
	rule func(i int) (who, repos string)
	path string
}

// shapes are ordinary and bad cases for an index.
func shapes() []shape {
	team := func(i int) string { return fmt.Sprintf("group:team-%05d", i) }
	return []shape{
		{"team folders", func(i int) (string, string) { return team(i), fmt.Sprintf("team-%05d/**", i) }, "team-00042/app"},
		{"all on **", func(i int) (string, string) { return team(i), "**" }, "team-00042/app"},
		{"all on a star", func(i int) (string, string) { return team(i), "*/x" }, "team-00042/x"},
		{"all behind **", func(i int) (string, string) { return team(i), fmt.Sprintf("**/x%d", i) }, "a/b/x42"},
		{"users", func(i int) (string, string) { return fmt.Sprintf("user:u%d", i), "**" }, "a/b"},
		{"one folder a rule for everybody", func(i int) (string, string) { return "signed-in", fmt.Sprintf("p%d/**", i) }, "p42/a"},
		{"one hole rule a folder", func(i int) (string, string) { return "group:team-<t>", fmt.Sprintf("p%d/<t>/**", i) }, "p42/00042/a"},
		{"hole rules on one folder", func(i int) (string, string) { return fmt.Sprintf("group:p%d-<t>", i), "<t>/**" }, "00042/a"},
		{"stars inside parts", func(i int) (string, string) { return team(i), fmt.Sprintf("p%d-*/**", i) }, "p42-a/a"},
		{"DNs", func(i int) (string, string) {
			return fmt.Sprintf("dn:cn=team-%05d,ou=groups,dc=corp", i), "**"
		}, "a/b"},
		{"with every condition", func(i int) (string, string) { return team(i), "**" }, "a/b"},
		{"ids", func(i int) (string, string) { return fmt.Sprintf("id:id-team-%05d", i), "**" }, "a/b"},
		{"all kinds on **", func(i int) (string, string) {
			return fmt.Sprintf("group:team-%05d dn:cn=team-%05d,ou=groups,dc=corp id:id-team-%05d", i, i, i), "**"
		}, "a/b"},
	}
}

// policyOf makes a policy of n rules of a shape, with a few that everybody has.
func policyOf(t testing.TB, s shape, n int) *policy.Policy {
	t.Helper()
	rules := []policy.Rule{
		rule(t, "group:admins", can, pull|push|del, "**"),
		rule(t, "group:crew-<t>", can, push, "<t>/**"),
		rule(t, "signed-in", can, push, "users/<user>/**"),
		rule(t, "anyone", can, pull, "public/**"),
		rule(t, "group:contractors", cannot, push, "*/prod/**"),
	}
	for i := range n {
		who, repos := s.rule(i)
		r := rule(t, who, can, push, repos)
		if s.name == "with every condition" {
			r.Until = day(1).AddDate(1, 0, i)
			r.From, r.On = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"registry"}
			r.Except = []policy.Subject{subject(t, "group:contractors"), subject(t, "group:x-<t>")}
		}
		rules = append(rules, r)
	}
	return compile(t, rules...)
}

// member makes a person of n groups, some of which rules speak about.
func member(n int) identity.Principal {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("team-%05d", i*37)
	}
	return person("u42", names...)
}

// BenchmarkDecide is one decision among many rules for a person of many groups.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct{ rules, groups int }{{1_000, 200}, {10_000, 200}, {100_000, 500}} {
		for _, s := range shapes() {
			b.Run(fmt.Sprintf("rules=%d/groups=%d/%s", size.rules, size.groups, s.name), func(b *testing.B) {
				p := policyOf(b, s, size.rules)
				r := on(member(size.groups), pull|push, s.path)
				r.Service, r.Client, r.Now = "registry", netip.MustParseAddr("10.1.2.3"), day(1)
				b.ReportAllocs()
				for b.Loop() {
					p.Decide(r)
				}
			})
		}
	}
}

// BenchmarkNew compiles 100,000 rules.
func BenchmarkNew(b *testing.B) {
	var rules []policy.Rule
	for i := range 100_000 {
		rules = append(rules, rule(b, fmt.Sprintf("group:team-%05d", i), can, push, fmt.Sprintf("team-%05d/**", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.New(policy.Options{Rules: rules, DefaultDirectory: "corp"}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDecideDoesNotAllocate: however many rules there are.
func TestDecideDoesNotAllocate(t *testing.T) { //nolint:paralleltest // it counts allocations
	for _, s := range shapes() {
		p := policyOf(t, s, 2000)
		r := on(member(200), pull|push, s.path)
		r.Service, r.Client, r.Now = "registry", netip.MustParseAddr("10.1.2.3"), day(1)
		if n := testing.AllocsPerRun(100, func() { p.Decide(r) }); n != 0 {
			t.Errorf("%s: %v allocations a decision, want none", s.name, n)
		}
	}
}
