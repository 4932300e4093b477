package policyplan_test

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
	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// words is a rule as it is written.
type words struct {
	who, except, repos, on, from []string
	effect                       policy.Effect
	actions                      registry.Actions
	since, until                 time.Time
}

// subject makes a subject of its text.
func subject(t testing.TB, text string) policy.Subject {
	t.Helper()
	kinds := map[string]policy.SubjectKind{
		"anyone": policy.Anyone, "signed-in": policy.SignedIn, "user": policy.User, "robot": policy.Robot,
		"user-id": policy.UserID, "group": policy.GroupName, "dn": policy.GroupDN, "id": policy.GroupID,
	}
	kind, name, _ := strings.Cut(text, ":")
	directory := ""
	if k := kinds[kind]; k != policy.Anyone && k != policy.SignedIn && k != policy.Robot {
		directory = "corp"
	}
	if bare, other, ok := strings.Cut(name, "@"); ok {
		name, directory = bare, other
	}
	s, err := policy.NewSubject(kinds[kind], text, directory, name)
	if err != nil {
		t.Fatalf("NewSubject(%q): %v", text, err)
	}
	return s
}

// compile makes a policy.
func compile(t testing.TB, rules ...words) *policy.Policy {
	t.Helper()
	o := policy.Options{DefaultDirectory: "corp"}
	for i, w := range rules {
		r := policy.Rule{
			Effect: w.effect, Actions: w.actions, On: w.on, Since: w.since, Until: w.until,
			Position: policy.Position{File: "p.yaml", Line: 10 * (i + 1)},
		}
		for _, s := range w.who {
			r.Who = append(r.Who, subject(t, s))
		}
		for _, s := range w.except {
			r.Except = append(r.Except, subject(t, s))
		}
		for _, s := range w.from {
			r.From = append(r.From, netip.MustParsePrefix(s))
		}
		for _, s := range w.repos {
			p, err := policy.ParsePattern(s)
			if err != nil {
				t.Fatalf("ParsePattern(%q): %v", s, err)
			}
			r.Repos = append(r.Repos, p)
		}
		o.Rules = append(o.Rules, r)
	}
	p, err := policy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	pull = registry.Pull
	push = registry.Push
	del  = registry.Delete
)

// can and cannot write a rule in one line.
func can(who string, a registry.Actions, repos ...string) words {
	return words{who: strings.Fields(who), actions: a, repos: repos}
}

func cannot(who string, a registry.Actions, repos ...string) words {
	w := can(who, a, repos...)
	w.effect = policy.Cannot
	return w
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func day(n int) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)
}

// generate makes a rule.
func generate(r *rand.Rand) words {
	w := words{
		effect:  pick(r, policy.Can, policy.Can, policy.Can, policy.Cannot),
		actions: pick(r, pull, push, del, pull|push, push|del),
	}
	if r.IntN(15) == 0 {
		w.actions = registry.Catalog
	}
	var holes []string
	switch r.IntN(5) {
	case 0:
		w.who = []string{pick(r, "group:team-<t>", "group:<t>-rw", "group:team-<t:a|b>", "group:<t>")}
		holes = []string{"<t>"}
	case 1:
		w.who = []string{pick(r, "group:<t>-<s>", "group:<t>-<s:a|rw>", "group:x-<s>-<t>", "group:<t>-<s>-rw")}
		holes = []string{"<t>", "<s>"}
	default:
		for range 1 + r.IntN(2) {
			w.who = append(w.who, pick(r, "signed-in", "user:a", "user:b", "user-id:id-a", "group:team-a", "group:team-b",
				"group:a-rw", "group:a@partner", "robot:a", "dn:cn=team-a,ou=groups,dc=corp", "id:id-team-b", "anyone"))
		}
	}
	if r.IntN(5) == 0 {
		w.except = []string{pick(r, "signed-in", "user:a", "user-id:id-b", "group:team-a", "group:team-<t>", "group:<t>-b", "robot:a")}
	}
	if r.IntN(6) == 0 {
		w.on = pick(r, []string{"one"}, []string{"two"}, []string{"one", "two"})
	}
	if r.IntN(6) == 0 {
		w.from = pick(r, []string{"10.0.0.0/8"}, []string{"10.1.0.0/16"})
	}
	if r.IntN(6) == 0 {
		w.since, w.until = day(r.IntN(3)), day(pick(r, 0, 4, 5))
	}
	if w.actions == registry.Catalog {
		return w
	}
	if !slices.ContainsFunc(w.who, func(s string) bool { return s == "anyone" || strings.HasPrefix(s, "robot:") }) {
		holes = append(holes, "<user>")
	}
	for range 1 + r.IntN(2) {
		var parts []string
		for range 1 + r.IntN(3) {
			part := pick(r, "a", "b", "team-a", "*", "**", "a*", "*b", "a-*")
			if len(holes) > 0 && r.IntN(3) == 0 {
				part = pick(r, "", "", "a-") + pick(r, holes...) + pick(r, "", "", "-b", "*")
			}
			parts = append(parts, part)
		}
		w.repos = append(w.repos, strings.Join(parts, "/"))
	}
	return w
}

// somebody makes a principal.
func somebody(r *rand.Rand) identity.Principal {
	if r.IntN(8) == 0 {
		return identity.Principal{Kind: pick(r, identity.Anonymous, identity.Robot), Name: pick(r, "a", "c")}
	}
	p := identity.Principal{
		Kind: identity.Person, Source: pick(r, "corp", "corp", "corp", "partner", "other"),
		Name: pick(r, "a", "b", "B", "team-a", "a b", "c"),
	}
	p.ID = "id-" + strings.ToLower(p.Name)
	for range r.IntN(5) {
		name := pick(r, "team-a", "team-b", "Team-A", "a-rw", "a-b", "a-b-rw", "a", "x-a-b", "b-a", "team-c", "q")
		p.Groups = append(p.Groups, identity.NewGroup("id-"+name, "cn="+name+",ou=groups,dc=corp", name))
	}
	return p
}

// question asks about one action somewhere.
func question(r *rand.Rand) policy.Request {
	scope := registry.Scope{Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog}
	if r.IntN(10) > 0 {
		var parts []string
		for range 1 + r.IntN(3) {
			parts = append(parts, pick(r, "a", "b", "c", "team-a", "a-b", "a-a-b", "ab", "rw", "q"))
		}
		scope = registry.Scope{Type: registry.TypeRepository, Name: strings.Join(parts, "/"), Actions: pick(r, pull, push, del)}
	}
	return policy.Request{
		Principal: somebody(r), Scope: scope, Service: pick(r, "one", "two", "three", ""), Now: day(r.IntN(7)),
		Client: pick(r, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("10.2.0.1"), netip.MustParseAddr("192.168.1.9"), netip.Addr{}),
	}
}

// speaksOf reports whether a change is about who asks and where: a policy of it alone decides.
func speaksOf(t *testing.T, c policyplan.Change, q policy.Request) bool {
	t.Helper()
	who, name, named := strings.Cut(c.Who, " as user:")
	if named && !strings.EqualFold(q.Principal.Name, name) {
		return false
	}
	w := words{who: []string{who}, actions: c.Actions}
	if c.Repos != "" {
		w.repos = []string{c.Repos}
	}
	if c.Actions == registry.Catalog != (q.Scope.Type == registry.TypeRegistry) || !c.Actions.Has(q.Scope.Actions) {
		return false
	}
	return compile(t, w).Decide(q).Granted.Has(q.Scope.Actions)
}

// TestPlanMissesNothing: where two policies decide differently for anybody anywhere, a change says so.
func TestPlanMissesNothing(t *testing.T) {
	t.Parallel()
	differences := 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		var before, after []words
		for range 1 + r.IntN(3) {
			before = append(before, generate(r))
		}
		for range 1 + r.IntN(2) {
			after = append(after, generate(r))
		}
		for _, w := range before { // most rules stay
			if r.IntN(4) > 0 {
				after = append(after, w)
			}
		}
		old, changed := compile(t, before...), compile(t, after...)
		plan := policyplan.Plan(old, changed)
		for range 150 {
			q := question(r)
			was, is := old.Decide(q).Granted, changed.Decide(q).Granted
			if was == is {
				continue
			}
			differences++
			kinds := []policyplan.Kind{policyplan.Gains, policyplan.Freed}
			if was != 0 {
				kinds = []policyplan.Kind{policyplan.Loses, policyplan.Barred}
			}
			if !slices.ContainsFunc(plan, func(c policyplan.Change) bool {
				return c.Inside == "" && slices.Contains(kinds, c.Kind) && speaksOf(t, c, q)
			}) {
				t.Fatalf("seed %d: %v %q %v: was %v, is %v, and the plan does not say so:\nbefore %v\nafter %v\n%s",
					seed, q.Principal, groupNames(q.Principal), q.Scope, was, is, before, after, texts(plan))
			}
		}
	}
	if differences < 1000 {
		t.Fatalf("only %d differences were looked at", differences)
	}
}

// TestPlanOfEquals: order and spelling change nothing.
func TestPlanOfEquals(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 8))
		var rules []words
		for range 1 + r.IntN(6) {
			rules = append(rules, generate(r))
		}
		before := compile(t, rules...)
		r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
		if plan := policyplan.Plan(before, compile(t, rules...)); len(plan) > 0 {
			t.Fatalf("seed %d: the order changes something:\n%v\n%s", seed, rules, texts(plan))
		}
	}
}

func groupNames(p identity.Principal) []string {
	var names []string
	for _, g := range p.Groups {
		names = append(names, g.Name)
	}
	return names
}

func texts(plan []policyplan.Change) string {
	var b strings.Builder
	for _, c := range plan {
		fmt.Fprintln(&b, c.Text())
	}
	return b.String()
}

// TestExamples: at the example of a change, somebody who is nothing else but what it says gains or loses it.
func TestExamples(t *testing.T) {
	t.Parallel()
	looked := 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 9))
		plain := func() words {
			w := generate(r)
			w.except, w.on, w.from, w.since, w.until = nil, nil, nil, time.Time{}, time.Time{}
			return w
		}
		before, after := []words{plain(), plain()}, []words{plain()}
		after = append(after, before...)
		old, changed := compile(t, before...), compile(t, after...)
		for _, c := range policyplan.Plan(old, changed) {
			q, ok := alone(c)
			if !ok {
				continue
			}
			looked++
			was, is := old.Decide(q).Granted, changed.Decide(q).Granted
			if c.Kind == policyplan.Loses {
				was, is = is, was
			}
			if is&^was&c.Actions == 0 {
				t.Fatalf("seed %d: %s, for example %s: was %v, is %v\nbefore %v\nafter %v", seed, c.Text(), c.Example, was, is, before, after)
			}
		}
	}
	if looked < 500 {
		t.Errorf("only %d examples were looked at", looked)
	}
}

// alone asks as somebody of a change's class and no other, at its example.
func alone(c policyplan.Change) (policy.Request, bool) {
	q := policy.Request{Scope: registry.Scope{Type: registry.TypeRepository, Name: c.Example, Actions: c.Actions}}
	if c.Example == "" || strings.Contains(c.Example, "<") || c.Kind != policyplan.Gains && c.Kind != policyplan.Loses {
		return q, false
	}
	kind, name, _ := strings.Cut(c.Who, ":")
	p := identity.Principal{Kind: identity.Person, Source: "corp", Name: "some body"}
	switch {
	case strings.ContainsAny(name, "<@ "):
		return q, false
	case kind == "anyone":
		p = identity.Principal{}
	case kind == "robot":
		p = identity.Principal{Kind: identity.Robot, Name: name}
	case kind == "user":
		p.Name = name
	case kind == "group":
		p.Groups = []identity.Group{identity.NewGroup("", "", name)}
	case kind != "signed-in":
		return q, false
	}
	q.Principal = p
	return q, true
}
