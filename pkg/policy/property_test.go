package policy_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// legal is one part of a repository path, as a regular expression.
const legal = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`

// words is how a rule was written, for the reference.
type words struct {
	who, repos []string
	effect     policy.Effect
	actions    registry.Actions

	except, on, from []string
	since, until     time.Time
}

// rule makes the rule.
func (w *words) rule(t testing.TB) policy.Rule {
	t.Helper()
	r := rule(t, strings.Join(w.who, " "), w.effect, w.actions, strings.Join(w.repos, " "))
	for _, text := range w.except {
		r.Except = append(r.Except, subject(t, text))
	}
	for _, text := range w.from {
		r.From = append(r.From, netip.MustParsePrefix(text))
	}
	r.On, r.Since, r.Until = w.on, w.since, w.until
	return r
}

// pick picks one of the texts.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// generate makes the words of a rule that is right.
func generate(r *rand.Rand) words {
	w := words{
		effect:  pick(r, can, can, can, cannot),
		actions: pick(r, pull, push, del, pull|push, push|del),
	}
	if r.IntN(12) == 0 {
		w.actions = registry.Catalog
	}
	holes := []string{}
	switch r.IntN(6) {
	case 0:
		w.who = []string{pick(r, "group:team-<t>", "group:<t>-rw", "group:team-<t:a|b>", "group:<t>")}
		holes = []string{"<t>"}
	case 1:
		w.who = []string{pick(r, "group:<t>-<s>", "group:<t>-<s:a|rw>", "group:x-<s>-<t>", "group:<t>-<s>-rw")}
		holes = []string{"<t>", "<s>"}
	default:
		for range 1 + r.IntN(2) {
			w.who = append(w.who, pick(r, "signed-in", "user:a", "user:b", "user:B", "user-id:id-a", "user-id:ID-b@partner", "group:team-a", "group:team-b",
				"group:a-rw", "group:a@partner", "robot:a", "robot:b", "dn:cn=team-a,ou=groups,dc=corp", "id:id-team-b", "anyone"))
		}
	}
	w.condition(r)
	if !slices.ContainsFunc(w.who, func(s string) bool { return s == "anyone" || strings.HasPrefix(s, "robot:") }) {
		holes = append(holes, "<user>")
	}
	if w.actions == registry.Catalog {
		return w
	}
	for range 1 + r.IntN(2) {
		var parts []string
		for range 1 + r.IntN(3) {
			part := pick(r, "a", "b", "team-a", "*", "**", "a*", "*b", "a*b", "a-*")
			if len(holes) > 0 && r.IntN(3) == 0 {
				part = pick(r, "", "", "a-") + pick(r, holes...) + pick(r, "", "", "-b", "*")
			}
			parts = append(parts, part)
		}
		w.repos = append(w.repos, strings.Join(parts, "/"))
	}
	return w
}

// day gives a day of a short calendar; day 0 is no day.
func day(n int) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)
}

// condition gives some rules conditions.
func (w *words) condition(r *rand.Rand) {
	if r.IntN(4) == 0 {
		for range 1 + r.IntN(2) {
			w.except = append(w.except, pick(r, "signed-in", "user:a", "user-id:id-b", "group:team-a", "group:team-<t>", "group:<t>-b", "group:<x>-rw", "robot:a", "id:id-team-b"))
		}
	}
	if r.IntN(4) == 0 {
		w.on = pick(r, []string{"one"}, []string{"two"}, []string{"one", "two"})
	}
	if r.IntN(4) == 0 {
		w.from = pick(r, []string{"10.0.0.0/8"}, []string{"10.1.0.0/16", "fd00::/8"}, []string{"192.168.1.9/32"})
	}
	if r.IntN(3) == 0 {
		w.since, w.until = day(r.IntN(6)), day(pick(r, 0, 6, 7, 8, 9))
	}
}

// ask puts a question into circumstances.
func ask(r *rand.Rand, q policy.Request) policy.Request {
	q.Service = pick(r, "one", "one", "two", "three", "")
	q.Client = pick(r, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("::ffff:10.1.2.3"), netip.MustParseAddr("10.200.0.1"),
		netip.MustParseAddr("fd00::1%eth0"), netip.MustParseAddr("192.168.1.9"), netip.Addr{})
	if q.Now = day(r.IntN(10)); !q.Now.IsZero() && r.IntN(2) == 0 {
		q.Now = q.Now.Add(-time.Second)
	}
	return q
}

// somebody makes a principal.
func somebody(r *rand.Rand) identity.Principal {
	if r.IntN(8) == 0 {
		return identity.Principal{Kind: pick(r, identity.Anonymous, identity.Robot), Source: "corp", Name: pick(r, "a", "B", "c")}
	}
	var groups []string
	for range r.IntN(8) {
		groups = append(groups, pick(r, "team-a", "team-b", "Team-A", "a-rw", "a-b", "a-b-rw", "a", "x-a-b", "x-a-b-c", "a--b", "team-.", "-a", "b-a"))
	}
	p := person(pick(r, "a", "b", "B", "team-a", "a b", "c"), groups...)
	p.Source = pick(r, "corp", "corp", "corp", "partner", "other")
	return p
}

// somewhere makes a repository name.
func somewhere(r *rand.Rand) string {
	var parts []string
	for range 1 + r.IntN(4) {
		parts = append(parts, pick(r, "a", "b", "c", "team-a", "a-b", "a-a-b", "ab", "team-b", "rw", "a--b"))
	}
	return strings.Join(parts, "/")
}

// naive decides by regular expressions, one rule after the other.
func naive(rules []words, r policy.Request) registry.Actions {
	var given, taken registry.Actions
	for i := range rules {
		if !naiveApplies(rules, i, r) {
			continue
		}
		a := rules[i].actions
		switch {
		case rules[i].effect == cannot && a.Has(pull):
			taken |= a | push | del
		case rules[i].effect == cannot:
			taken |= a
		case a&(push|del) != 0:
			given |= a | pull
		default:
			given |= a
		}
	}
	return r.Scope.Actions & given &^ taken
}

// naiveApplies reports whether a rule applies.
func naiveApplies(rules []words, i int, r policy.Request) bool {
	isCatalog := r.Scope.Type == registry.TypeRegistry
	if !naiveConditions(rules[i], r) {
		return false
	}
	for _, who := range rules[i].who {
		for _, holes := range naiveWho(who, r.Principal) {
			if naiveExcept(rules[i].except, r.Principal, holes) {
				continue
			}
			if rules[i].actions.Has(registry.Catalog) && isCatalog {
				return true
			}
			for _, pattern := range rules[i].repos {
				if !isCatalog && naivePattern(rules, i, who, pattern, holes, r.Scope.Name) {
					return true
				}
			}
		}
	}
	return false
}

// naiveConditions looks at registry, network and time.
func naiveConditions(w words, r policy.Request) bool {
	unknown := w.effect == cannot
	on := len(w.on) == 0 || slices.Contains(w.on, r.Service) || r.Service == "" && unknown
	from := len(w.from) == 0 || !r.Client.IsValid() && unknown
	for _, text := range w.from {
		from = from || r.Client.IsValid() && netip.MustParsePrefix(text).Contains(r.Client.Unmap().WithZone(""))
	}
	in := w.since.IsZero() && w.until.IsZero() || r.Now.IsZero() && unknown ||
		!r.Now.IsZero() && !r.Now.Before(w.since) && (w.until.IsZero() || r.Now.Before(w.until))
	return on && from && in
}

// naiveExcept looks whether somebody is excepted, by a group whose holes agree with the others.
func naiveExcept(except []string, p identity.Principal, holes map[string]string) bool {
	for _, text := range except {
		for _, found := range naiveWho(text, p) {
			agrees := true
			for name, value := range found {
				other, ok := holes[name]
				agrees = agrees && (!ok || other == value)
			}
			if agrees {
				return true
			}
		}
	}
	return false
}

// naiveWho gives the values of the holes for every way in which a subject matches.
func naiveWho(who string, p identity.Principal) []map[string]string {
	kind, name, _ := strings.Cut(who, ":")
	directory := "corp"
	if bare, other, ok := strings.Cut(name, "@"); ok {
		name, directory = bare, other
	}
	user := map[string]string{}
	if p.Kind == identity.Person && (p.Source == directory) && regexp.MustCompile("^"+legal+"$").MatchString(strings.ToLower(p.Name)) {
		user["<user>"] = strings.ToLower(p.Name)
	}
	isPerson := p.Kind == identity.Person
	switch {
	case kind == "robot" && p.Kind == identity.Robot && strings.EqualFold(p.Name, name):
		return []map[string]string{{}}
	case kind == "anyone", kind == "signed-in" && isPerson,
		kind == "user" && isPerson && p.Source == directory && strings.EqualFold(p.Name, name),
		kind == "user-id" && isPerson && p.Source == directory && strings.EqualFold(p.ID, name):
		return []map[string]string{user}
	case !isPerson || p.Source != directory:
		return nil
	}
	var ways []map[string]string
	for _, g := range p.Groups {
		switch {
		case kind == "dn" && strings.EqualFold(g.DN, name), kind == "id" && strings.EqualFold(g.ID, name):
			ways = append(ways, user)
		case kind == "group":
			if holes := naiveTemplate(name, strings.ToLower(g.Name)); holes != nil {
				maps.Copy(holes, user)
				ways = append(ways, holes)
			}
		}
	}
	return ways
}

// naiveTemplate matches a group name with holes.
func naiveTemplate(template, name string) map[string]string {
	holes := regexp.MustCompile(`<([a-z][a-z0-9_-]*)(?::([^>]*))?>`)
	var names []string
	expression := holes.ReplaceAllStringFunc(template, func(s string) string {
		m := holes.FindStringSubmatch(s)
		names = append(names, m[1])
		if m[2] != "" {
			return "(" + m[2] + ")"
		}
		return "(" + legal + ")"
	})
	m := regexp.MustCompile("^" + expression + "$").FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	values := map[string]string{}
	for i, n := range names {
		values["<"+n+">"] = m[i+1]
	}
	return values
}

// naivePattern matches a path and keeps reserved first parts.
func naivePattern(rules []words, i int, who, pattern string, holes map[string]string, path string) bool {
	first, _, _ := strings.Cut(pattern, "/")
	filled := pattern
	for name, value := range holes {
		filled = strings.ReplaceAll(filled, name, value)
	}
	if strings.Contains(filled, "<") {
		return false
	}
	var parts []string
	for part := range strings.SplitSeq(filled, "/") {
		switch part {
		case "**":
			part = `[^/]+(?:/[^/]+)*`
		case "*":
			part = `[^/]+`
		default:
			part = strings.ReplaceAll(regexp.QuoteMeta(part), `\*`, `[^/]*`)
		}
		parts = append(parts, part)
	}
	if !regexp.MustCompile("^" + strings.Join(parts, "/") + "$").MatchString(path) {
		return false
	}
	listed := strings.Contains(who, "<t:") && !strings.Contains(first, "<s>") && !strings.Contains(first, "<user>") ||
		strings.Contains(who, "<s:") && !strings.Contains(first, "<t>") && !strings.Contains(first, "<user>")
	if !strings.Contains(first, "<") || listed || rules[i].effect == cannot {
		return true
	}
	start, _, _ := strings.Cut(path, "/")
	return !slices.ContainsFunc(slices.Delete(slices.Clone(rules), i, i+1), func(w words) bool { return names(w, start) })
}

// names reports whether a rule names a literal first path part.
func names(w words, part string) bool {
	return slices.ContainsFunc(w.repos, func(pattern string) bool {
		first, _, _ := strings.Cut(pattern, "/")
		return first == part
	})
}

// TestProperties holds decisions against the reference, and against the promises that are made about changes.
func TestProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	granted := 0
	for range 200 {
		all := make([]words, 1+r.IntN(pick(r, 4, 30)))
		rules := make([]policy.Rule, len(all))
		for i := range all {
			all[i] = generate(r)
			rules[i] = all[i].rule(t)
		}
		p := compile(t, rules...)
		turned := slices.Clone(rules)
		r.Shuffle(len(turned), func(i, j int) { turned[i], turned[j] = turned[j], turned[i] })
		shuffled := compile(t, turned...)
		gone := r.IntN(len(all))
		without := compile(t, slices.Delete(slices.Clone(rules), gone, gone+1)...)
		extra := generate(r)
		extra.effect = cannot
		with := compile(t, append(slices.Clone(rules), extra.rule(t))...)
		for range 20 {
			q := on(somebody(r), pull|push|del, somewhere(r))
			if r.IntN(10) == 0 {
				q = catalog(q.Principal)
			}
			q = ask(r, q)
			d := p.Decide(q)
			if d.Granted != 0 {
				granted++
			}
			if want := naive(all, q); d.Granted != want {
				t.Fatalf("%+v asks %s: granted %q, want %q\n%v\n%s", q.Principal, q.Scope, d.Granted, want, all,
					strings.Join(p.Explain(q).Lines(), "\n"))
			}
			checkExplained(t, p, q, d)
			checkUntil(t, p, q, d)
			if got := shuffled.Decide(q).Granted; got != d.Granted {
				t.Fatalf("%s: the order changes %q to %q\n%v", q.Scope, d.Granted, got, all)
			}
			if got := with.Decide(q).Granted; got&^d.Granted != 0 {
				t.Fatalf("%s: a further cannot widens %q to %q\n%v", q.Scope, d.Granted, got, all)
			}
			first, _, _ := strings.Cut(q.Scope.Name, "/")
			got := without.Decide(q).Granted
			if all[gone].effect == can && !names(all[gone], first) && got&^d.Granted != 0 {
				t.Fatalf("%s: without rule %d %q becomes %q\n%v", q.Scope, gone+1, d.Granted, got, all)
			}
		}
	}
	if granted < 250 {
		t.Errorf("only %d of the questions were granted: this shows little", granted)
	}
}

// TestCrowdedPlaces holds decisions against the reference where many rules of every kind are about few paths: there
// the index has tables, and here it has lists.
func TestCrowdedPlaces(t *testing.T) {
	t.Parallel()
	const policies, most, questions = 15, 150, 20
	r := rand.New(rand.NewPCG(3, 4))
	granted := 0
	for range policies {
		all := make([]words, 40+r.IntN(most))
		rules := make([]policy.Rule, len(all))
		for i := range all {
			all[i] = crowd(r, generate(r))
			rules[i] = all[i].rule(t)
		}
		p := compile(t, rules...)
		for range questions {
			q := ask(r, on(somebody(r), pull|push|del, somewhere(r)))
			d := p.Decide(q)
			if d.Granted != 0 {
				granted++
			}
			if want := naive(all, q); d.Granted != want {
				t.Fatalf("%+v asks %s: granted %q, want %q\n%v", q.Principal, q.Scope, d.Granted, want, all)
			}
			checkExplained(t, p, q, d)
		}
	}
	if granted < policies {
		t.Errorf("only %d of the questions were granted: this shows little", granted)
	}
}

// TestTables: among many groups of one place each is found, by each of its keys, and no other one is.
func TestTables(t *testing.T) {
	t.Parallel()
	const named, all = 300, 600
	for _, kind := range []string{"group:team-%d", "dn:cn=team-%d,ou=groups,dc=corp", "id:id-team-%d"} {
		var rules []policy.Rule
		for i := range named {
			rules = append(rules, rule(t, fmt.Sprintf(kind, i), can, pull, "**"))
		}
		p := compile(t, rules...)
		for i := range all {
			who := person("u", "other", fmt.Sprintf("team-%d", i))
			if got := p.Decide(on(who, pull, "a/b")).Granted == pull; got != (i < named) {
				t.Fatalf(kind+": granted %v", i, got)
			}
		}
	}
}

// crowd brings a rule to one of few places. Most of those that take away are about somebody else, or little is left.
func crowd(r *rand.Rand, w words) words {
	if w.effect == cannot && r.IntN(4) > 0 {
		w.effect = can
	}
	if w.effect == cannot {
		w.except = append(w.except, "group:a-rw")
	}
	if len(w.repos) == 0 {
		return w
	}
	w.repos = []string{pick(r, "**", "a/**", "**/b", "*/b")}
	if strings.Contains(w.who[0], "<t") {
		w.who = []string{pick(r, "", "x-", "team-", "a-") + "<t>" + pick(r, "", "-rw", "-b", "-c", "-"+pick(r, "d", "e", "f"))}
		w.who[0] = "group:" + w.who[0]
		w.except = nil
		w.repos = []string{pick(r, "<t>/**", "a/<t>", "**", "<t>*/**")}
	}
	return w
}

// checkUntil: until the moment that a decision names, nothing that it grants ends.
func checkUntil(t *testing.T, p *policy.Policy, q policy.Request, d policy.Decision) {
	t.Helper()
	if q.Now.IsZero() {
		return
	}
	if !d.Until.IsZero() && !d.Until.After(q.Now) {
		t.Fatalf("%s at %v: granted until %v", q.Scope, q.Now, d.Until)
	}
	for n := 1; n < 12; n++ {
		later := q
		if later.Now = day(n); !later.Now.After(q.Now) || !d.Until.IsZero() && !later.Now.Before(d.Until) {
			continue
		}
		if got := p.Decide(later).Granted; d.Granted&^got != 0 {
			t.Fatalf("%s at %v: granted %q until %v, but %q at %v", q.Scope, q.Now, d.Granted, d.Until, got, later.Now)
		}
	}
}

// checkExplained holds an explanation against the decision.
func checkExplained(t *testing.T, p *policy.Policy, q policy.Request, d policy.Decision) {
	t.Helper()
	var granted registry.Actions
	for _, a := range p.Explain(q).Actions {
		if a.Reason != d.Reason(a.Action) {
			t.Fatalf("%s %s: explained with %s, decided with %s", q.Scope, a.Action, a.Reason, d.Reason(a.Action))
		}
		if a.Granted {
			granted |= a.Action
			if len(a.Given) == 0 {
				t.Fatalf("%s %s: granted by no rule", q.Scope, a.Action)
			}
		}
		deciding := slices.ContainsFunc(d.Rules(), func(r *policy.Rule) bool {
			return len(a.Given) == 0 || r == a.Given[0].Rule || len(a.Taken) > 0 && r == a.Taken[0].Rule
		})
		if (a.Granted || a.Reason == policy.ReasonDeniedByRule) && !deciding {
			t.Fatalf("%s %s: the decision names other rules than the explanation", q.Scope, a.Action)
		}
	}
	if granted != d.Granted {
		t.Fatalf("%s: explained %q, decided %q\n%s", q.Scope, granted, d.Granted, strings.Join(p.Explain(q).Lines(), "\n"))
	}
}

// FuzzPattern: whatever is a pattern matches what its regular expression matches.
func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{{"a/**", "a/b"}, {"**/x", "a/b/x"}, {"*/a*b*/**", "x/a1b2/c/d"}, {"**", "a"}, {"**/**/a", "b/c/a"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		pattern, err := policy.ParsePattern(text)
		if err != nil || len(pattern.Holes()) > 0 || strings.Contains(path, "//") || strings.HasPrefix(path, "/") ||
			strings.HasSuffix(path, "/") || path == "" || strings.Count(path, "/") > 100 || strings.Contains(path, "\n") {
			return
		}
		if pattern.String() != text {
			t.Errorf("ParsePattern(%q).String() = %q", text, pattern)
		}
		all := []words{{who: []string{"anyone"}, repos: []string{text}, actions: pull}}
		p := compile(t, rule(t, "anyone", can, pull, text))
		r := on(identity.Principal{}, pull, path)
		if got, want := p.Decide(r).Granted, naive(all, r); got != want {
			t.Errorf("pattern %q on %q: %q, want %q", text, path, got, want)
		}
	})
}

// FuzzTemplate: a group name with holes takes from a group what its regular expression takes.
func FuzzTemplate(f *testing.F) {
	for _, s := range [][2]string{{"team-<t>", "team-a"}, {"<a>-<b>", "x-y--z"}, {"<a>-<s:dev|test>-rw", "a-b-dev-rw"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, template, group string) {
		if strings.ContainsAny(template, "@.+?()[]{}^$|\\ ") || identity.Fold(template) != template || len(group) > 100 || group == "" ||
			!utf8.ValidString(template) || !utf8.ValidString(group) {
			return
		}
		s, err := policy.NewSubject(policy.GroupName, "group:"+template, "corp", template)
		if err != nil {
			return
		}
		want := naiveTemplate(template, identity.Fold(group)) != nil && len(group) == len(identity.Fold(group))
		r := rule(t, "anyone", can, pull, "x")
		r.Who = []policy.Subject{s}
		if got := compile(t, r).Decide(on(person("u", group), pull, "x")).Granted == pull; got != want {
			t.Errorf("%q matches %q: %v, want %v", template, group, got, want)
		}
	})
}
