package policy_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

func TestRemarks(t *testing.T) {
	t.Parallel()
	everything := rule(t, "group:a", can, 0, "**")
	everything.Everything = true
	edit := conditional
	until := func(n int) func(*policy.Rule) { return func(r *policy.Rule) { r.Until = day(n) } }
	from := func(text string) func(*policy.Rule) {
		return func(r *policy.Rule) { r.From = []netip.Prefix{netip.MustParsePrefix(text)} }
	}
	except := func(r *policy.Rule) { r.Except = []policy.Subject{subject(t, "group:x")} }
	frozen := rule(t, "signed-in", cannot, push, "a/**")
	tests := []struct {
		name  string
		rules []policy.Rule
		want  string
	}{
		{"nothing", []policy.Rule{rule(t, "anyone", can, pull, "public/**"), rule(t, "signed-in", can, push, "users/<user>/**"), everything}, ""},
		{"expired", []policy.Rule{edit(rule(t, "user:eve", can, pull, "a"), until(5))}, "2:1>0"},
		{"not yet expired", []policy.Rule{edit(rule(t, "user:eve", can, pull, "a"), until(6))}, ""},
		{"anyone can push", []policy.Rule{rule(t, "anyone", can, push, "a/**")}, "3:1>0"},
		{"anyone can pull everywhere", []policy.Rule{rule(t, "anyone", can, pull, "a/** */x")}, "3:1>0"},
		{"anyone can list the catalog", []policy.Rule{rule(t, "anyone", can, registry.Catalog, "")}, "3:1>0"},
		{"every account can push everywhere", []policy.Rule{rule(t, "signed-in", can, push, "**")}, "3:1>0"},
		{"every account can pull everywhere", []policy.Rule{rule(t, "signed-in", can, pull, "**")}, ""},
		{"anyone of a network", []policy.Rule{edit(rule(t, "anyone", can, push, "a/**"), from("10.0.0.0/8"))}, ""},
		{"the same in another order", []policy.Rule{rule(t, "user:eve group:a", can, push, "a b"), rule(t, "group:A user:eve", can, push|pull, "b a")}, "4:2>1"},
		{"not the same", []policy.Rule{rule(t, "user:eve", can, push, "a"), edit(rule(t, "user:eve", can, push, "a"), until(6))}, ""},
		{"shadowed", []policy.Rule{rule(t, "group:a", can, push, "a/b/<user>"), frozen}, "1:1>2"},
		{"partly shadowed: another action", []policy.Rule{rule(t, "group:a", can, push|pull, "a/b"), frozen}, ""},
		{"partly shadowed: another place", []policy.Rule{rule(t, "group:a", can, push, "a/b b/c"), frozen}, ""},
		{"partly shadowed: other people", []policy.Rule{rule(t, "group:a robot:ci", can, push, "a/b"), frozen}, ""},
		{"cannot pull takes push", []policy.Rule{rule(t, "user:eve", can, push, "a/b"), rule(t, "anyone", cannot, pull, "*/b")}, "1:1>2"},
		{"shadowed but for some", []policy.Rule{rule(t, "group:a", can, push, "a/b"), edit(frozen, except)}, ""},
		{"shadowed for a while", []policy.Rule{rule(t, "group:a", can, push, "a/b"), edit(frozen, until(7))}, ""},
		{"shadowed as long as it lasts", []policy.Rule{edit(rule(t, "group:a", can, push, "a/b"), until(6)), edit(frozen, until(7))}, "1:1>2"},
		{"shadowed in a network", []policy.Rule{rule(t, "group:a", can, push, "a/b"), edit(frozen, from("10.0.0.0/8"))}, ""},
		{"shadowed in the network", []policy.Rule{edit(rule(t, "group:a", can, push, "a/b"), from("10.1.0.0/16")), edit(frozen, from("10.0.0.0/8"))}, "1:1>2"},
		{"a person and a team", []policy.Rule{rule(t, "signed-in", can, push, "<user>/**"), rule(t, "group:team-<t>", can, push, "<t>/**")}, "5:1>2"},
		{"a team and a person", []policy.Rule{rule(t, "group:<t>-rw", can, pull, "<t>/*/**"), rule(t, "user:a group:staff", can, push, "x/<user> <user>/a/*")}, "5:2>1"},
		{"a person and a team beside letters", []policy.Rule{rule(t, "signed-in", can, push, "u-<user>/**"), rule(t, "group:team-<t>", can, push, "<t>-x/b")}, "5:1>2"},
		{"a person and a team apart", []policy.Rule{rule(t, "signed-in", can, push, "u-<user>/**"), rule(t, "group:team-<t>", can, push, "t-<t>/**")}, ""},
		{"a person and a team in folders of another depth", []policy.Rule{rule(t, "signed-in", can, push, "<user>/*"), rule(t, "group:team-<t>", can, push, "<t>/*/*")}, ""},
		{"a person and a team in other folders", []policy.Rule{rule(t, "signed-in", can, push, "<user>/home/**"), rule(t, "group:team-<t>", can, push, "<t>/src/**")}, ""},
		{"a person and listed words", []policy.Rule{rule(t, "signed-in", can, push, "<user>/**"), rule(t, "group:team-<t:a|b>", can, push, "<t>/**")}, ""},
		{"a person, and a team that cannot", []policy.Rule{rule(t, "signed-in", can, push, "<user>/**"), rule(t, "group:team-<t>", cannot, push, "<t>/**")}, ""},
		{"a person in a folder of persons", []policy.Rule{rule(t, "signed-in", can, push, "users/<user>/**"), rule(t, "group:team-<t>", can, push, "<t>/**")}, ""},
		{"shadowed by the same hole", []policy.Rule{rule(t, "group:t-<t>", can, push, "x/**"), rule(t, "group:t-<t>", cannot, push, "x/**")}, "1:1>2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			for _, m := range compile(t, tt.rules...).Remarks(noon()) {
				other := 0
				if m.Other != nil {
					other = m.Other.Number
				}
				if m.Kind == policy.Expired && len(tt.rules) > 1 {
					continue
				}
				got += fmt.Sprintf("%d:%d>%d", m.Kind, m.Rule.Number, other)
			}
			if got != tt.want {
				t.Errorf("Remarks() = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestCrossedIsNeverMissed: where a person gets by their own name what a member of a group gets by that group's, a
// remark says so.
func TestCrossedIsNeverMissed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	parts := func(first string) string {
		for range r.IntN(3) {
			first += "/" + pick(r, "a", "b", "*", "**", "a*", "*b", "a*b")
		}
		return first
	}
	seen := 0
	for range 3000 {
		own := parts(pick(r, "<user>", "a-<user>", "<user>*", "*<user>"))
		shared := parts(pick(r, "<t>", "<t>-b", "a-<t>", "*<t>"))
		p := compile(t, rule(t, "signed-in", can, push, own), rule(t, "group:team-<t>", can, push, shared))
		noted := slices.ContainsFunc(p.Remarks(noon()), func(m policy.Remark) bool { return m.Kind == policy.Crossed })
		for range 40 {
			path := somewhere(r)
			name := func() string { return pick(r, "a", "b", "a-b", "team-a", "a-a-b") }
			one, two := p.Decide(on(person(name()), push, path)), p.Decide(on(person("no body", "team-"+name()), push, path))
			if one.Granted == 0 || two.Granted == 0 {
				continue
			}
			seen++
			if !noted {
				t.Fatalf("%s and %s both give %s, and no remark says so", own, shared, path)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d folders were shared", seen)
	}
}

// TestRemarksAreTrue: a shadowed rule gives nothing that is not taken away, and rules that say the same apply
// together.
func TestRemarksAreTrue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	remarks, seen := 0, 0
	for range 600 {
		rules := make([]policy.Rule, 12)
		for i := range rules {
			w := generate(r)
			rules[i] = w.rule(t)
		}
		p := compile(t, rules...)
		all := p.Remarks(time.Time{})
		remarks += len(all)
		for range 90 {
			q := on(somebody(r), pull|push|del, somewhere(r))
			if r.IntN(10) == 0 {
				q = catalog(q.Principal)
			}
			q = ask(r, q)
			for _, a := range p.Explain(q).Actions {
				for _, m := range all {
					applies := func(x *policy.Rule) bool {
						return slices.ContainsFunc(slices.Concat(a.Given, a.Taken), func(u policy.Use) bool { return u.Rule == x })
					}
					written := m.Rule.Actions.Has(a.Action)
					switch {
					case m.Kind == policy.Shadowed && written && applies(m.Rule):
						seen++
						if !applies(m.Other) {
							t.Fatalf("%s of %s on %s: %s applies, and %s does not\n%s\n%s", a.Action, q.Principal.Name, q.Scope.Name,
								m.Rule.Ref(), m.Other.Ref(), m.Rule.Sentence(), m.Other.Sentence())
						}
					case m.Kind == policy.Repeated && applies(m.Rule) != applies(m.Other):
						t.Fatalf("%s and %s say the same, and one applies\n%s", m.Rule.Ref(), m.Other.Ref(), m.Rule.Sentence())
					}
				}
			}
		}
	}
	if remarks < 100 || seen < 5 {
		t.Errorf("%d remarks, %d of them seen at work: this shows little", remarks, seen)
	}
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	p := compile(
		t,
		rule(t, "signed-in", can, pull, "base/** tools/x"),
		rule(t, "group:team-<t>", can, push, "<t>/** <t>-images/**"),
		rule(t, "group:crew-<t:base|a>", can, push, "<t>/**"),
		rule(t, "group:<a>-<b>", can, push, "<a>/<b>/**"),
		rule(t, "group:own-<t>", can, push, "own/** <t>/**"),
		rule(t, "group:x", can, pull, "web-images/**"),
	)
	var got []string
	for _, b := range p.Blocked(100) {
		got = append(got, fmt.Sprintf("%d %s %s by %d", b.Rule.Number, b.Group, b.Folder, b.By.Number))
	}
	want := []string{
		"2 team-base base by 1", "2 team-own own by 5", "2 team-tools tools by 1", "2 team-web-images web-images by 6", "2 team-web web-images by 6",
		"5 own-base base by 1", "5 own-tools tools by 1", "5 own-web-images web-images by 6",
	}
	if !slices.Equal(got, want) {
		t.Errorf("Blocked() = %q, want %q", got, want)
	}
	if n := len(p.Blocked(3)); n != 3 {
		t.Errorf("%d, want 3", n)
	}
}
