package policy_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

func TestWho(t *testing.T) {
	t.Parallel()
	with := func(r policy.Rule, change func(*policy.Rule)) policy.Rule {
		change(&r)
		return r
	}
	except := func(r policy.Rule, texts ...string) policy.Rule {
		for _, text := range texts {
			r.Except = append(r.Except, subject(t, text))
		}
		return r
	}
	network := func(r *policy.Rule) { r.From = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
	tests := []struct {
		name string
		rule policy.Rule
		repo string
		want []string
	}{
		{"a group by its name", rule(t, "group:pay", can, push, "payments/**"), "payments/api", []string{"group pay can pull and push"}},
		{"another place", rule(t, "group:pay", can, push, "payments/**"), "search/api", nil},
		{"a hole", rule(t, "group:team-<t>", can, push|del, "<t>/**"), "payments/api", []string{"group team-payments can pull, push and delete"}},
		{"a hole that takes no such word", rule(t, "group:team-<t:dev|test>", can, push, "<t>/**"), "payments/api", nil},
		{"of two holes one", rule(t, "group:<a>-<b:rw|ro>", can, pull, "<a>/**"), "api/x", []string{"every group api-<b:rw|ro> can pull"}},
		{"another directory", rule(t, "group:team-<t>@partner", can, pull, "x/<t>"), "x/y", []string{"group team-y@partner can pull"}},
		{"a hole behind stars", rule(t, "group:team-<t>", can, pull, "**/<t>"), "x/y", []string{"every group team-<t> where the name fits **/<t> can pull"}},
		{"one's own folder", rule(t, "signed-in", can, push, "users/<user>/**"), "users/eve/x", []string{"user eve can pull and push"}},
		{"one's own folder in a group's", rule(t, "group:team-<t>", can, push, "x/<t>/<user>"), "x/a/eve", []string{"user eve in group team-a can pull and push"}},
		{"who is named", rule(t, "user:Eve robot:ci", can, pull, "x"), "x", []string{"user Eve can pull", "robot ci can pull"}},
		{"a name that is named has its own folder only", rule(t, "user:Eve user:bob", can, pull, "x/<user>"), "x/eve", []string{"user Eve can pull"}},
		{"two patterns", rule(t, "anyone", can, pull, "x/* x/**"), "x/y", []string{"anyone can pull"}},
		{"two patterns, ended", with(rule(t, "anyone", can, pull, "x/* x/**"), func(r *policy.Rule) { r.Until = day(2) }), "x/y", []string{"anyone could pull if it had not ended 2026-01-01"}},
		{"nobody", rule(t, "anyone", cannot, push, "x"), "x", []string{"nobody can push"}},
		{"nobody signed in", rule(t, "signed-in", cannot, pull, "x"), "x", []string{"nobody signed in can pull, push and delete"}},
		{"nobody in a group", rule(t, "group:a group:b-<s>", cannot, push, "x"), "x", []string{"nobody in group a can push", "nobody in a group b-<s> can push"}},
		{"not a user", rule(t, "user:eve", cannot, push, "x"), "x", []string{"user eve cannot push"}},
		{"not in one's folder", rule(t, "signed-in", cannot, push, "x/<user>"), "x/eve", []string{"user eve cannot push"}},
		{"except", except(rule(t, "group:team-<t>", can, pull, "<t>/**"), "user:eve", "group:<t>-out", "group:<t:b>-no"), "a/x", []string{"group team-a except group a-out and user eve can pull"}},
		{"nobody except", except(rule(t, "anyone", cannot, push, "x"), "group:ops"), "x", []string{"nobody except group ops can push"}},
		{"not from there", with(rule(t, "group:ci", can, push, "x"), network), "x", []string{"group ci could pull and push if the client's address were in 10.0.0.0/8; it is unknown"}},
		{"a cannot takes from anywhere", with(rule(t, "group:ci", cannot, push, "x"), network), "x", []string{"nobody in group ci can push from 10.0.0.0/8"}},
		{"until", with(rule(t, "group:ci", can, pull, "x"), func(r *policy.Rule) { r.Until = day(9) }), "x", []string{"group ci can pull until 2026-01-08"}},
		{"ended", with(rule(t, "group:ci", can, pull, "x"), func(r *policy.Rule) { r.Until = day(2) }), "x", []string{"group ci could pull if it had not ended 2026-01-01"}},
		{"ended, a cannot", with(rule(t, "group:ci", cannot, pull, "x"), func(r *policy.Rule) { r.Until = day(2) }), "x", nil},
		{"another registry", with(rule(t, "group:ci", can, pull, "x"), func(r *policy.Rule) { r.On = []string{"two"} }), "x", []string{"group ci could pull if the registry were two"}},
		{"two conditions", with(rule(t, "group:ci", can, pull, "x"), func(r *policy.Rule) { r.On, r.Until = []string{"two"}, day(2) }), "x", nil},
		{"the id is not known yet", with(rule(t, "group:x", cannot, push, "x"), func(r *policy.Rule) { r.Who[0].Unresolved = true }), "x", []string{"nobody of directory corp can push, as the directory has not told the id of group x yet"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := on(identity.Principal{}, registry.Wildcard, tt.repo)
			q.Service, q.Now = "one", day(5)
			var got []string
			for _, h := range compile(t, tt.rule).Who(q) {
				text, found := strings.CutSuffix(h.Text(), " (rule 1, p.yaml:1)")
				if !found {
					t.Errorf("%q does not name its rule", h.Text())
				}
				got = append(got, text)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Who(%s) = %q, want %q", tt.repo, got, tt.want)
			}
		})
	}
}

// TestWhoKeepsFolders: a hole does not take the folder that another rule names.
func TestWhoKeepsFolders(t *testing.T) {
	t.Parallel()
	p := compile(t, rule(t, "group:team-<t>", can, push, "<t>/** **/<t>"), rule(t, "group:ops", can, push, "prod/**"),
		rule(t, "signed-in", can, push, "<user>/**"), rule(t, "signed-in", can, registry.Catalog, ""))
	var got []string
	for _, h := range p.Who(on(identity.Principal{}, registry.Wildcard, "prod/x")) {
		got = append(got, h.Text())
	}
	want := []string{
		"group team-prod could pull and push if \"prod\" were not the name of a folder in rule 2 (p.yaml:2); " +
			"list it in the hole, as in <team:prod>, where that is meant (rule 1, p.yaml:1)",
		"every group team-<t> where the name fits **/<t> can pull and push (rule 1, p.yaml:1)",
		"group ops can pull and push (rule 2, p.yaml:2)",
		"user prod could pull and push if \"prod\" were not the name of a folder in rule 2 (p.yaml:2); " +
			"list it in the hole, as in <team:prod>, where that is meant (rule 3, p.yaml:3)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("Who = %q, want %q", got, want)
	}
	if got := p.Who(catalog(identity.Principal{})); len(got) != 1 || got[0].Text() != "everyone signed in can list the catalog (rule 4, p.yaml:4)" {
		t.Errorf("Who of the catalog = %+v", got)
	}
}

// listed makes those whom an entry names, as far as it tells.
func listed(r *rand.Rand, h policy.Holder) identity.Principal {
	kind, name, _ := strings.Cut(h.Subject.Text, ":")
	name, _, _ = strings.Cut(name, "@")
	login := h.User
	if login == "" {
		login = pick(r, "a", "b", "c")
	}
	var p identity.Principal
	switch kind {
	case "group":
		p = person(login, strings.NewReplacer("<t:a|b>", "a", "<s:a|rw>", "rw", "<t>", "a", "<s>", "b").Replace(name))
	case "user":
		p = person(name)
	case "robot":
		return identity.Principal{Kind: identity.Robot, Name: name}
	case "dn":
		p = person(login, "team-a")
	case "id":
		p = person(login, "team-b")
	case "signed-in":
		p = person(login)
	default:
		return identity.Principal{}
	}
	if h.Subject.Directory != "" {
		p.Source = h.Subject.Directory
	}
	return p
}

// means reports whether an entry surely means somebody, and whether it may.
func means(h policy.Holder, p identity.Principal) (surely, perhaps bool) {
	perhaps = len(naiveWho(h.Subject.Text, p)) > 0
	if h.User != "" {
		perhaps = perhaps && p.Kind == identity.Person && strings.EqualFold(p.Name, h.User) &&
			(h.Subject.Kind != policy.SignedIn || p.Source == "corp")
	}
	return perhaps && h.Fits == "" && len(h.Except) == 0 && !strings.Contains(h.Subject.Text, "<"), perhaps
}

// TestWhoIsWhatIsDecided: everybody has what Who lists for them less what it lists as taken, and nobody has more.
func TestWhoIsWhatIsDecided(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	granted, exact := 0, 0
	for range 1000 {
		all := make([]words, 1+r.IntN(pick(r, 3, 12)))
		rules := make([]policy.Rule, len(all))
		for i := range all {
			all[i] = generate(r)
			rules[i] = all[i].rule(t)
		}
		p := compile(t, rules...)
		q := ask(r, on(identity.Principal{}, pull|push|del, somewhere(r)))
		if r.IntN(10) == 0 {
			q.Scope = catalog(identity.Principal{}).Scope
		}
		holders := p.Who(q)
		people := []identity.Principal{{}, somebody(r), somebody(r), somebody(r)}
		for _, h := range holders {
			people = append(people, listed(r, h))
		}
		for _, q.Principal = range people {
			least, most := bounds(holders, q.Principal)
			got := p.Decide(q).Granted
			if least&^got != 0 || got&^most != 0 {
				t.Fatalf("%+v on %s: granted %q, listed at least %q and at most %q\n%v\n%s", q.Principal, q.Scope, got, least, most, all, texts(holders))
			}
			if got != 0 {
				granted++
			}
			if got != 0 && least == most {
				exact++
			}
		}
	}
	if granted < 300 || exact < granted/2 {
		t.Errorf("%d granted, %d of them told exactly: this shows little", granted, exact)
	}
}

// bounds gives what a list says that somebody has at least, and at most.
func bounds(all []policy.Holder, p identity.Principal) (least, most registry.Actions) {
	var surelyTaken, perhapsTaken registry.Actions
	for _, h := range all {
		surely, perhaps := means(h, p)
		if !perhaps || h.Lack != "" {
			continue
		}
		if h.Rule.Effect == cannot {
			perhapsTaken |= h.Actions
			if surely {
				surelyTaken |= h.Actions
			}
			continue
		}
		most |= h.Actions
		if surely {
			least |= h.Actions
		}
	}
	return least &^ perhapsTaken, most &^ surelyTaken
}

// texts writes a list.
func texts(all []policy.Holder) string {
	var b strings.Builder
	for _, h := range all {
		fmt.Fprintln(&b, h.Text())
	}
	return b.String()
}

func ExamplePolicy_Who() {
	team, _ := policy.NewSubject(policy.GroupName, "group:team-<team>", "corp", "team-<team>")
	folder, _ := policy.ParsePattern("<team>/**")
	p, _ := policy.New(policy.Options{Rules: []policy.Rule{{
		Position: policy.Position{File: "policy.yaml", Line: 3}, Who: []policy.Subject{team},
		Actions: registry.Push, Repos: []policy.Pattern{folder},
	}}})
	for _, h := range p.Who(policy.Request{
		Scope: registry.Scope{Type: registry.TypeRepository, Name: "payments/api", Actions: registry.Wildcard}, Now: time.Now(),
	}) {
		fmt.Println(h.Text())
	}
	// Output: group team-payments can pull and push (rule 1, policy.yaml:3)
}
