package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// rule makes a rule of words: who and repos are separated by spaces, directories stand after @.
func rule(t testing.TB, who string, effect policy.Effect, actions registry.Actions, repos string) policy.Rule {
	t.Helper()
	r := policy.Rule{Position: policy.Position{File: "p.yaml", Line: 1}, Effect: effect, Actions: actions}
	for text := range strings.FieldsSeq(who) {
		r.Who = append(r.Who, subject(t, text))
	}
	for text := range strings.FieldsSeq(repos) {
		p, err := policy.ParsePattern(text)
		if err != nil {
			t.Fatalf("ParsePattern(%q): %v", text, err)
		}
		r.Repos = append(r.Repos, p)
	}
	return r
}

// subject makes a subject of directory corp, or of the one after its @.
func subject(t testing.TB, text string) policy.Subject {
	t.Helper()
	kind, name, _ := strings.Cut(text, ":")
	directory := "corp"
	if bare, other, ok := strings.Cut(name, "@"); ok {
		name, directory = bare, other
	}
	k := map[string]policy.SubjectKind{
		"anyone": policy.Anyone, "signed-in": policy.SignedIn, "user": policy.User, "group": policy.GroupName,
		"id": policy.GroupID, "dn": policy.GroupDN, "robot": policy.Robot, "user-id": policy.UserID,
	}[kind]
	if k == policy.Anyone || k == policy.SignedIn || k == policy.Robot {
		directory = ""
	}
	s, err := policy.NewSubject(k, text, directory, name)
	if err != nil {
		t.Fatalf("NewSubject(%q): %v", text, err)
	}
	return s
}

// compile makes a policy whose rules stand in lines of their own.
func compile(t testing.TB, rules ...policy.Rule) *policy.Policy {
	t.Helper()
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Position.Line = i + 1
	}
	p, err := policy.New(policy.Options{Rules: rules, Revision: "r1", DefaultDirectory: "corp"})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return p
}

// person makes a person of directory corp in groups with these short names.
func person(name string, groups ...string) identity.Principal {
	p := identity.Principal{Kind: identity.Person, Source: "corp", ID: "id-" + name, Name: name}
	for _, g := range groups {
		p.Groups = append(p.Groups, identity.NewGroup("ID-"+g, "cn="+g+",ou=groups,dc=corp", g))
	}
	return p
}

// on asks for actions on a repository.
func on(who identity.Principal, a registry.Actions, repo string) policy.Request {
	return policy.Request{Principal: who, Scope: registry.Scope{Type: registry.TypeRepository, Name: repo, Actions: a}}
}

// catalog asks for the catalog.
func catalog(who identity.Principal) policy.Request {
	return policy.Request{Principal: who, Scope: registry.Scope{
		Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog,
	}}
}

const (
	pull   = registry.Pull
	push   = registry.Push
	del    = registry.Delete
	can    = policy.Can
	cannot = policy.Cannot
)

func TestActions(t *testing.T) {
	t.Parallel()
	everything := rule(t, "group:admins", can, 0, "**")
	everything.Everything = true
	inside := rule(t, "group:half", can, 0, "a/**")
	inside.Everything = true
	p := compile(
		t,
		everything, inside,
		rule(t, "group:pushers", can, push, "a/**"),
		rule(t, "group:cleaners", can, del, "a/**"),
		rule(t, "group:blind", cannot, pull, "a/**"),
		rule(t, "group:frozen", cannot, push, "a/**"),
		rule(t, "group:list", can, registry.Catalog, ""),
		rule(t, "group:hidden", cannot, registry.Catalog, ""),
	)
	tests := []struct {
		name string
		r    policy.Request
		want registry.Actions
	}{
		{"push includes pull", on(person("u", "pushers"), pull|push|del, "a/b"), pull | push},
		{"delete includes pull", on(person("u", "cleaners"), pull|push|del, "a/b"), pull | del},
		{"only what was asked", on(person("u", "pushers"), push, "a/b"), push},
		{"cannot pull takes all", on(person("u", "pushers", "cleaners", "blind"), pull|push|del, "a/b"), 0},
		{"cannot push leaves pull and delete", on(person("u", "pushers", "cleaners", "frozen"), pull|push|del, "a/b"), pull | del},
		{"cannot wins over everything", on(person("u", "admins", "frozen"), pull|push, "a/b"), pull},
		{"everything", on(person("u", "admins"), pull|push|del, "x"), pull | push | del},
		{"wildcard gives what there is", on(person("u", "pushers"), registry.Wildcard, "a/b"), pull | push},
		{"wildcard of nothing", on(person("u"), registry.Wildcard, "a/b"), 0},
		{"catalog in everything everywhere", catalog(person("u", "admins")), registry.Catalog},
		{"no catalog in everything inside", catalog(person("u", "half")), 0},
		{"catalog", catalog(person("u", "list")), registry.Catalog},
		{"cannot catalog", catalog(person("u", "list", "admins", "hidden")), 0},
		{"catalog asked on a repository", on(person("u", "admins"), registry.Catalog, "a/b"), 0},
		{"another type", policy.Request{Principal: person("u", "admins"), Scope: registry.Scope{Type: "plugin", Name: "a/b", Actions: pull}}, 0},
		{"another registry resource", policy.Request{Principal: person("u", "admins"), Scope: registry.Scope{Type: "registry", Name: "x", Actions: registry.Catalog}}, 0},
		{"nothing asked", on(person("u", "admins"), 0, "a/b"), 0},
		{"a name with an empty part", on(person("u", "admins"), pull, "a//b"), 0},
		{"an empty name", on(person("u", "admins"), pull, ""), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := p.Decide(tt.r).Granted; got != tt.want {
				t.Errorf("Decide(%s).Granted = %q, want %q", tt.r.Scope, got, tt.want)
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	base := person("alice", "team-a")
	tests := []struct {
		name string
		who  string
		edit func(*identity.Principal)
		want bool
	}{
		{"anyone", "anyone", nil, true},
		{"anyone is the anonymous too", "anyone", func(p *identity.Principal) { *p = identity.Principal{} }, true},
		{"anyone is a robot too", "anyone", func(p *identity.Principal) { p.Kind = identity.Robot }, true},
		{"signed-in", "signed-in", nil, true},
		{"signed-in of any directory", "signed-in", func(p *identity.Principal) { p.Source = "partner" }, true},
		{"signed-in is not the anonymous", "signed-in", func(p *identity.Principal) { *p = identity.Principal{} }, false},
		{"signed-in is no robot", "signed-in", func(p *identity.Principal) { p.Kind = identity.Robot }, false},
		{"user", "user:alice", nil, true},
		{"user in another case", "user:Alice", nil, true},
		{"another user", "user:bob", nil, false},
		{"user of another directory", "user:alice@partner", nil, false},
		{"user of that directory", "user:alice@partner", func(p *identity.Principal) { p.Source = "partner" }, true},
		{"same name elsewhere", "user:alice", func(p *identity.Principal) { p.Source = "partner" }, false},
		{"robot of the same name", "user:alice", func(p *identity.Principal) { p.Kind = identity.Robot }, false},
		{"user by id", "user-id:id-alice", nil, true},
		{"user by id in another case", "user-id:ID-ALICE", func(p *identity.Principal) { p.ID = "Id-Alice" }, true},
		{"user by id with another login name", "user-id:id-alice", func(p *identity.Principal) { p.Name = "alice.new" }, true},
		{"user by id, not the new owner of the name", "user-id:id-alice", func(p *identity.Principal) { p.ID = "id-alice2" }, false},
		{"user by id of another directory", "user-id:id-alice@partner", nil, false},
		{"user by id is no group's", "user-id:ID-team-a", nil, false},
		{"group by id is no user's", "id:id-alice", nil, false},
		{"robot by id", "user-id:id-alice", func(p *identity.Principal) { p.Kind = identity.Robot }, false},
		{"somebody without an id", "user-id:id-alice", func(p *identity.Principal) { p.ID = "" }, false},
		{"one of many users by id", "user-id:1 user-id:2 user-id:3 user-id:4 user-id:5 user-id:id-alice", nil, true},
		{"group", "group:team-a", nil, true},
		{"group in another case", "group:Team-A", nil, true},
		{"group elsewhere", "group:team-a", func(p *identity.Principal) { p.Source = "partner" }, false},
		{"group of that directory", "group:team-a@partner", func(p *identity.Principal) { p.Source = "partner" }, true},
		{"group of a robot", "group:team-a", func(p *identity.Principal) { p.Kind = identity.Robot }, false},
		{"group out of the groups base", "group:team-a", func(p *identity.Principal) {
			p.Groups = []identity.Group{identity.NewGroup("x", "cn=team-a,ou=elsewhere", "")}
		}, false},
		{"DN", "dn:CN=team-a,OU=groups,DC=corp", nil, true},
		{"DN out of the groups base", "dn:cn=team-a,ou=elsewhere", func(p *identity.Principal) {
			p.Groups = []identity.Group{identity.NewGroup("x", "cn=team-a,ou=elsewhere", "")}
		}, true},
		{"id", "id:id-team-a", nil, true},
		{"another id", "id:id-team-b", nil, false},
		{"template", "group:team-<x>", nil, true},
		{"template out of the groups base", "group:team-<x>", func(p *identity.Principal) {
			p.Groups = []identity.Group{identity.NewGroup("x", "cn=team-a,ou=elsewhere", "")}
		}, false},
		{"a hole of an illegal part", "group:team-<x>", func(p *identity.Principal) { *p = person("a", "team-a b", "team-.", "team-") }, false},
		{"a hole of a look-alike", "group:team-<x>", func(p *identity.Principal) { *p = person("a", "team-\u212Aey") }, false},
		{"one of several", "user:bob group:team-a", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, rule(t, tt.who, can, pull, "x/*"))
			who := base
			if tt.edit != nil {
				tt.edit(&who)
			}
			r := on(who, pull, "x/y")
			if got := p.Decide(r).Granted == pull; got != tt.want {
				t.Errorf("%s may pull: %v, want %v", tt.who, got, tt.want)
			}
			if got := p.Explain(r).Actions[0].Granted; got != tt.want {
				t.Errorf("Explain: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestHoles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, who, repos string
		principal        identity.Principal
		path             string
		want             bool
	}{
		{"filled", "group:team-<t>", "<t>/**", person("u", "team-a"), "a/x", true},
		{"folded", "group:team-<t>", "<t>/**", person("u", "Team-A"), "a/x", true},
		{"another value", "group:team-<t>", "<t>/**", person("u", "team-a"), "b/x", false},
		{"only what is inside", "group:team-<t>", "<t>/**", person("u", "team-a"), "a", false},
		{"the left one takes most", "group:<a>-<b>", "<a>/<b>", person("u", "x-y-z"), "x-y/z", true},
		{"the left one leaves nothing", "group:<a>-<b>", "<a>/<b>", person("u", "x-y-z"), "x/y-z", false},
		{"until all are legal", "group:<a>-<b>", "<a>/<b>", person("u", "x-y--z"), "x/y--z", true},
		{"holes of one group only", "group:<a>-<b>", "<a>/<b>", person("u", "x-y", "z-w"), "x/w", false},
		{"words", "group:<a>-<s:dev|test>-rw", "apps/<a>/<s>/**", person("u", "web-shop-dev-rw"), "apps/web-shop/dev/i", true},
		{"no such word", "group:<a>-<s:dev|test>-rw", "apps/<a>/<s>/**", person("u", "web-prod-rw"), "apps/web/prod/i", false},
		{"beside a literal", "group:team-<t>", "<t>-images/**", person("u", "team-a"), "a-images/x", true},
		{"beside a star", "group:team-<t>", "x/<t>-*", person("u", "team-a"), "x/a-b", true},
		{"behind **", "group:team-<t>", "**/<t>", person("u", "team-a"), "x/y/a", true},
		{"twice", "group:team-<t>", "x/<t>/<t>", person("u", "team-a"), "x/a/a", true},
		{"twice unequal", "group:team-<t>", "x/<t>/<t>", person("u", "team-a"), "x/a/b", false},
		{"unused", "group:team-<t>", "shared/*", person("u", "team-a"), "shared/x", true},
		{"user", "signed-in", "users/<user>/**", person("Alice"), "users/alice/x", true},
		{"another's", "signed-in", "users/<user>/**", person("alice"), "users/bob/x", false},
		{"user of another directory", "signed-in", "users/<user>/**", identity.Principal{Kind: identity.Person, Source: "partner", Name: "alice"}, "users/alice/x", false},
		{"user with a name that is no part", "signed-in", "users/<user>/**", person("alice smith"), "users/alice smith/x", false},
		{"user that looks like another", "signed-in", "users/<user>/**", person("\u212Aelvin"), "users/kelvin/x", false},
		{"group and user", "group:team-<t>", "<t>/<user>/*", person("bob", "team-a"), "a/bob/x", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, rule(t, tt.who, can, pull, tt.repos))
			r := on(tt.principal, pull, tt.path)
			if got := p.Decide(r).Granted == pull; got != tt.want {
				t.Errorf("may pull %q: %v, want %v\n%s", tt.path, got, tt.want, strings.Join(p.Explain(r).Lines(), "\n"))
			}
		})
	}
}

func TestReservedFirstParts(t *testing.T) {
	t.Parallel()
	rules := []policy.Rule{
		rule(t, "signed-in", can, pull, "base/**"),
		rule(t, "group:nobody", cannot, push, "public/x"),
		rule(t, "group:team-<t>", can, push, "<t>/**"),
		rule(t, "group:crew-<t:a|base>", can, push, "<t>/**"),
		rule(t, "signed-in", can, push, "<user>/**"),
		rule(t, "group:team-<t>", can, push, "teams/<t>/**"),
		rule(t, "group:both-<t>", can, push, "<t>/** own/x shared/x"),
		rule(t, "group:nobody", can, push, "shared/y"),
		rule(t, "group:frozen-<t>", cannot, push, "<t>/**"),
		rule(t, "group:admins", can, push, "**"),
	}
	p := compile(t, rules...)
	tests := []struct {
		name string
		who  identity.Principal
		path string
		want bool
	}{
		{"free", person("u", "team-a"), "a/x", true},
		{"named by another rule", person("u", "team-base"), "base/x", false},
		{"named by a cannot", person("u", "team-public"), "public/y", false},
		{"listed", person("u", "crew-base"), "base/x", true},
		{"user", person("base"), "base/x", false},
		{"user of a listed word", person("a"), "a/x", false},
		{"free user", person("alice"), "alice/x", true},
		{"not first", person("u", "team-base"), "teams/base/x", true},
		{"named by the rule itself", person("u", "both-own"), "own/y", true},
		{"named by the rule itself and another", person("u", "both-shared"), "shared/z", false},
		{"a cannot takes every value", person("u", "frozen-base", "admins"), "base/x", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := on(tt.who, push, tt.path)
			if got := p.Decide(r).Granted == push; got != tt.want {
				t.Errorf("may push %q: %v, want %v\n%s", tt.path, got, tt.want, strings.Join(p.Explain(r).Lines(), "\n"))
			}
		})
	}
}

// TestContestedNameClosesOnly: who makes a second group of a name ends what the first one gives, but nothing of
// what it takes away.
func TestContestedNameClosesOnly(t *testing.T) {
	t.Parallel()
	excepting := rule(t, "signed-in", can, push, "open/*")
	excepting.Except = []policy.Subject{subject(t, "group:frozen-<x>")}
	frozen := rule(t, "signed-in", cannot, push, "prod/*")
	frozen.Except = []policy.Subject{subject(t, "group:release-<x>")}
	p := compile(t,
		rule(t, "signed-in", can, push, "own/* prod/*"),
		rule(t, "group:team-<t>", can, push, "<t>/*"),
		rule(t, "group:frozen-<t>", cannot, push, "own/<t>"),
		excepting, frozen)
	who := person("alice")
	for _, name := range []string{"team-a", "frozen-b", "release-c"} {
		who.Groups = append(who.Groups, identity.NewContestedGroup("ID-"+name, "cn="+name+",ou=groups,dc=corp", name))
	}
	for path, want := range map[string]bool{
		"a/x":    false, // a can does not follow a contested name
		"own/x":  true,
		"own/b":  false, // a cannot does
		"open/x": false, // and so does what a can excepts
		"prod/x": false, // but not what a cannot excepts
	} {
		r := on(who, push, path)
		if got := p.Decide(r).Granted == push; got != want {
			t.Errorf("may push %q: %v, want %v\n%s", path, got, want, strings.Join(p.Explain(r).Lines(), "\n"))
		}
	}
}

// TestFoldedNameClosesOnly: a group whose name becomes another one's only by its Unicode form opens nothing through a
// hole, and is taken away from like the one that it looks like.
func TestFoldedNameClosesOnly(t *testing.T) {
	t.Parallel()
	excepting := rule(t, "signed-in", can, push, "open/*")
	excepting.Except = []policy.Subject{subject(t, "group:team-<x>")}
	frozen := rule(t, "signed-in", cannot, push, "prod/*")
	frozen.Except = []policy.Subject{subject(t, "group:team-<x>")}
	p := compile(t,
		rule(t, "signed-in", can, push, "own/* prod/*"),
		rule(t, "group:team-<t>", can, push, "<t>/*"),
		rule(t, "group:team-<t>", cannot, push, "own/<t>"),
		excepting, frozen)
	who := person("alice")
	who.Groups = append(who.Groups, identity.NewGroup("ID-1", "cn=team-kilo,ou=groups,dc=corp", "team-\u212ailo"))
	for path, want := range map[string]bool{
		"kilo/x":   false,
		"own/x":    true,
		"own/kilo": false,
		"open/x":   false,
		"prod/x":   false,
	} {
		r := on(who, push, path)
		if got := p.Decide(r).Granted == push; got != want {
			t.Errorf("may push %q: %v, want %v\n%s", path, got, want, strings.Join(p.Explain(r).Lines(), "\n"))
		}
	}
}

func TestCannotIsHeldByID(t *testing.T) {
	t.Parallel()
	held := rule(t, "group:contractors", cannot, push, "**")
	held.Who[0] = held.Who[0].Hold(identity.NewGroup("ID-1", "cn=contractors,ou=groups,dc=corp", "contractors"))
	open := rule(t, "group:contractors", cannot, push, "**")
	open.Who[0].Unresolved = true
	all := rule(t, "signed-in", can, push, "**")
	member := func(id, dn, name string) identity.Principal {
		p := person("u")
		p.Groups = []identity.Group{identity.NewGroup(id, dn, name)}
		return p
	}
	elsewhere := person("u")
	elsewhere.Source = "partner"
	tests := []struct {
		name string
		rule policy.Rule
		who  identity.Principal
		want bool
	}{
		{"member", held, member("id-1", "cn=contractors,ou=groups,dc=corp", "contractors"), false},
		{"renamed group", held, member("id-1", "cn=externals,ou=groups,dc=corp", "externals"), false},
		{"new group of the name", held, member("id-2", "cn=new,ou=groups,dc=corp", "contractors"), false},
		{"another group", held, member("id-3", "cn=x,ou=groups,dc=corp", "x"), true},
		{"not known yet: everybody", open, person("u"), false},
		{"not known yet: another directory", open, elsewhere, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, all, tt.rule)
			r := on(tt.who, push, "a/b")
			if got := p.Decide(r).Granted == push; got != tt.want {
				t.Errorf("may push: %v, want %v", got, tt.want)
			}
			if got := p.Explain(r).Actions[0].Granted; got != tt.want {
				t.Errorf("Explain: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDecisionTellsWhy(t *testing.T) {
	t.Parallel()
	p := compile(
		t,
		rule(t, "group:devs", can, pull, "a/**"),
		rule(t, "group:pushers", can, push, "a/**"),
		rule(t, "group:pushers", can, push, "a/b"),
		rule(t, "group:frozen", cannot, push, "a/b"),
		rule(t, "group:frozen", cannot, del, "a/b"),
	)
	d := p.Decide(on(person("u", "pushers", "devs", "frozen", "other"), pull|push|del, "a/b"))
	if d.Granted != pull {
		t.Errorf("Granted = %q, want pull", d.Granted)
	}
	var numbers []int
	for _, r := range d.Rules() {
		numbers = append(numbers, r.Number)
	}
	if !slices.Equal(numbers, []int{1, 4}) {
		t.Errorf("Rules() = %v, want 1 and 4", numbers)
	}
	if d.Missing() != push|del || d.MissingReason() != policy.ReasonDeniedByRule {
		t.Errorf("Missing() = %q for %q, want push and delete", d.Missing(), d.MissingReason())
	}
	for a, want := range map[registry.Actions]policy.Reason{
		pull: policy.ReasonRule, push: policy.ReasonDeniedByRule, del: policy.ReasonNoRule, registry.Catalog: policy.ReasonNoRule,
	} {
		if got := d.Reason(a); got != want {
			t.Errorf("Reason(%s) = %s, want %s", a, got, want)
		}
	}
	groups := d.Groups(person("u", "pushers", "devs", "frozen", "other"))
	if want := []string{"cn=devs,ou=groups,dc=corp", "cn=frozen,ou=groups,dc=corp"}; !slices.Equal(groups, want) {
		t.Errorf("Groups() = %q, want %q", groups, want)
	}
	if r := (policy.Decision{}); len(r.Rules()) != 0 || r.Groups(person("u")) != nil || r.MissingReason() != "" {
		t.Errorf("the zero Decision knows something: %v", r)
	}
	other := p.Decide(policy.Request{Scope: registry.Scope{Type: "plugin", Name: "x", Actions: pull}})
	if other.Missing() != pull || other.MissingReason() != policy.ReasonNoRule {
		t.Errorf("of an unknown type Missing() = %q for %q", other.Missing(), other.MissingReason())
	}
}

func TestServesAnyone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rule policy.Rule
		want bool
	}{
		{"can", rule(t, "anyone", can, pull, "a/**"), true},
		{"cannot", rule(t, "anyone", cannot, pull, "a/**"), false},
		{"signed-in", rule(t, "signed-in", can, pull, "a/**"), false},
		{"one of several", rule(t, "group:x anyone", can, pull, "a/**"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, tt.rule)
			if got := p.ServesAnyone("registry"); got != tt.want {
				t.Errorf("ServesAnyone = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	l := policy.NewLive(nil)
	if l.Load().Len() != 0 || l.Load().Decide(on(person("u"), pull, "a")).Granted != 0 {
		t.Error("without a policy something is granted")
	}
	p := compile(t, rule(t, "anyone", can, pull, "**"))
	l.Swap(p)
	if l.Load() != p || l.Load().Revision() != "r1" {
		t.Error("Load does not give what was swapped in")
	}
	l.Swap(nil)
	if l.Load() == nil || l.Load().Len() != 0 {
		t.Error("Swap(nil) does not empty")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]policy.Rule{
		"no subject":      {Actions: pull, Repos: rule(t, "anyone", can, pull, "a").Repos},
		"no action":       rule(t, "anyone", can, 0, "a"),
		"no repos":        rule(t, "anyone", can, pull, ""),
		"open hole":       rule(t, "group:a", can, pull, "<x>/a"),
		"nobody's <user>": rule(t, "anyone", can, pull, "<user>/a"),
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := policy.New(policy.Options{Rules: []policy.Rule{r}}); err == nil {
				t.Error("New accepts it")
			}
		})
	}
}

// Example shows a policy of one rule and why it does not grant something.
func Example() {
	pattern, _ := policy.ParsePattern("<team>/**")
	team, _ := policy.NewSubject(policy.GroupName, "group:team-<team>", "corp", "team-<team>")
	p, _ := policy.New(policy.Options{DefaultDirectory: "corp", Rules: []policy.Rule{{
		Position: policy.Position{File: "policy.yaml", Line: 3},
		Who:      []policy.Subject{team},
		Actions:  registry.Push,
		Repos:    []policy.Pattern{pattern},
	}}})
	alice := identity.Principal{Kind: identity.Person, Source: "corp", Name: "alice"}
	asked := registry.Scope{Type: registry.TypeRepository, Name: "payments/api", Actions: registry.Push}
	e := p.Explain(policy.Request{Principal: alice, Scope: asked})
	fmt.Println(strings.Join(e.Lines(), "\n"))
	// Output:
	// person alice of directory corp asks for push on payments/api
	//   push: not granted
	//     no rule gives it
	//     would be allowed by rule 1 (policy.yaml:3) if alice were in team-payments
}
