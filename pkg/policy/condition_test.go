package policy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// conditional gives a rule conditions.
func conditional(r policy.Rule, edit func(*policy.Rule)) policy.Rule {
	edit(&r)
	return r
}

// noon is the time of most questions: the middle of 2026-01-05.
func noon() time.Time { return day(5).Add(12 * time.Hour) }

// robot makes a robot.
func robot(name string) identity.Principal {
	return identity.Principal{Kind: identity.Robot, Name: name}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	network := func(r *policy.Rule) { r.From = []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")} }
	one := func(r *policy.Rule) { r.On = []string{"one"} }
	tests := []struct {
		name   string
		rule   func(*policy.Rule)
		asked  func(*policy.Request)
		can    bool // whether a can with the condition applies
		cannot bool // whether a cannot with it does
		reason policy.Reason
	}{
		{"until later", func(r *policy.Rule) { r.Until = day(6) }, nil, true, true, policy.ReasonRule},
		{"until now", func(r *policy.Rule) { r.Until = noon() }, nil, false, false, policy.ReasonExpired},
		{"just before the end", func(r *policy.Rule) { r.Until = noon().Add(1) }, nil, true, true, policy.ReasonRule},
		{"since now", func(r *policy.Rule) { r.Since = noon() }, nil, true, true, policy.ReasonRule},
		{"since later", func(r *policy.Rule) { r.Since = day(6) }, nil, false, false, policy.ReasonTooEarly},
		{"at an unknown time", func(r *policy.Rule) { r.Until = day(6) }, func(r *policy.Request) { r.Now = time.Time{} }, false, true, policy.ReasonExpired},
		{"in the network", network, nil, true, true, policy.ReasonRule},
		{"mapped into IPv6", network, func(r *policy.Request) { r.Client = netip.MustParseAddr("::ffff:10.20.1.1") }, true, true, policy.ReasonRule},
		{"in another network", network, func(r *policy.Request) { r.Client = netip.MustParseAddr("10.21.0.1") }, false, false, policy.ReasonWrongNetwork},
		{"at an unknown address", network, func(r *policy.Request) { r.Client = netip.Addr{} }, false, true, policy.ReasonWrongNetwork},
		{"on the registry", one, nil, true, true, policy.ReasonRule},
		{"on another", one, func(r *policy.Request) { r.Service = "two" }, false, false, policy.ReasonOtherRegistry},
		{"on an unknown one", one, func(r *policy.Request) { r.Service = "" }, false, true, policy.ReasonOtherRegistry},
		{"two fail", func(r *policy.Rule) { one(r); r.Until = day(5) }, func(r *policy.Request) { r.Service = "two" }, false, false, policy.ReasonNoRule},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := on(person("eve"), pull, "a/b")
			q.Service, q.Client, q.Now = "one", netip.MustParseAddr("10.20.3.4"), noon()
			if tt.asked != nil {
				tt.asked(&q)
			}
			p := compile(t, conditional(rule(t, "user:eve", can, pull, "a/**"), tt.rule))
			d := p.Decide(q)
			if d.Granted.Has(pull) != tt.can || d.Reason(pull) != tt.reason {
				t.Errorf("can: granted %q for %s, want %v for %s", d.Granted, d.Reason(pull), tt.can, tt.reason)
			}
			checkExplained(t, p, q, d)
			p = compile(t, rule(t, "anyone", can, pull, "**"), conditional(rule(t, "user:eve", cannot, pull, "a/**"), tt.rule))
			if d := p.Decide(q); (d.Granted == 0) != tt.cannot {
				t.Errorf("cannot: granted %q, want it to apply: %v", d.Granted, tt.cannot)
			}
		})
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	ends := func(who string, a registry.Actions, n int) policy.Rule {
		return conditional(rule(t, who, can, a, "a/**"), func(r *policy.Rule) { r.Until = day(n) })
	}
	begins := conditional(rule(t, "user:eve", cannot, push, "a/**"), func(r *policy.Rule) { r.Since = day(7) })
	all := pull | push
	tests := []struct {
		name  string
		rules []policy.Rule
		asked registry.Actions
		want  time.Time
	}{
		{"no end", []policy.Rule{rule(t, "user:eve", can, push, "a/**")}, all, time.Time{}},
		{"one end", []policy.Rule{ends("user:eve", push, 8)}, all, day(8)},
		{"the nearest of two actions", []policy.Rule{ends("user:eve", pull, 9), ends("user:eve", push, 8)}, all, day(8)},
		{"an action that is not asked", []policy.Rule{ends("user:eve", pull, 9), ends("user:eve", push, 8)}, pull, day(9)},
		{"the later of two rules", []policy.Rule{ends("user:eve", pull, 6), ends("user:eve", pull, 9)}, pull, day(9)},
		{"given for ever, too", []policy.Rule{ends("user:eve", pull, 6), rule(t, "signed-in", can, pull, "a/*")}, pull, time.Time{}},
		{"of a rule for somebody else", []policy.Rule{rule(t, "user:eve", can, pull, "a/**"), ends("user:bob", pull, 6)}, pull, time.Time{}},
		{"a cannot begins", []policy.Rule{ends("user:eve", push, 8), begins}, all, day(7)},
		{"a cannot of another action begins", []policy.Rule{ends("user:eve", push, 8), begins}, pull, day(8)},
		{"nothing is granted", []policy.Rule{ends("user:eve", pull, 8), rule(t, "anyone", cannot, pull, "**")}, pull, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // in both orders
				slices.Reverse(tt.rules)
				q := on(person("eve"), tt.asked, "a/b")
				q.Now = noon()
				if got := compile(t, tt.rules...).Decide(q).Until; !got.Equal(tt.want) {
					t.Errorf("Until = %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestExcept(t *testing.T) {
	t.Parallel()
	with := func(who, except string) policy.Rule {
		r := rule(t, who, can, push, "a/**")
		for text := range strings.FieldsSeq(except) {
			r.Except = append(r.Except, subject(t, text))
		}
		return r
	}
	unresolved := with("signed-in", "group:contractors")
	unresolved.Except[0].Unresolved = true
	tests := []struct {
		name string
		rule policy.Rule
		who  identity.Principal
		want bool
	}{
		{"not excepted", with("anyone", "group:x robot:ci user:bob"), person("eve", "y"), true},
		{"by group", with("anyone", "group:x robot:ci user:bob"), person("eve", "x"), false},
		{"by name", with("anyone", "group:x robot:ci user:bob"), person("Bob"), false},
		{"a robot", with("anyone", "group:x robot:ci user:bob"), robot("CI"), false},
		{"a robot of a person's name", with("anyone", "group:x robot:ci user:bob"), robot("bob"), true},
		{"everyone signed in", with("anyone", "signed-in"), identity.Principal{}, true},
		{"but not somebody", with("anyone", "signed-in"), person("eve"), false},
		{"any group of the shape", with("signed-in", "group:<t>-out"), person("eve", "x-out"), false},
		{"leads of the same team", with("group:team-<t>", "group:<t>-out"), person("eve", "team-x", "x-out"), false},
		{"leads of another team", with("group:team-<t>", "group:<t>-out"), person("eve", "team-x", "y-out"), true},
		{"a group that is not known yet", unresolved, person("eve"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, tt.rule)
			q := on(tt.who, push, "a/b")
			if got := p.Decide(q).Granted == push; got != tt.want {
				t.Errorf("may push: %v, want %v\n%s", got, tt.want, strings.Join(p.Explain(q).Lines(), "\n"))
			}
			if n := len(p.Rights(tt.who)); (n == 1) != tt.want {
				t.Errorf("%d rights", n)
			}
			checkExplained(t, p, q, p.Decide(q))
		})
	}
}

func TestRobots(t *testing.T) {
	t.Parallel()
	p := compile(t, rule(t, "robot:ci", can, push, "a/**"), rule(t, "robot:ci", can, registry.Catalog, ""),
		rule(t, "anyone", can, pull, "public/**"), rule(t, "user:ci signed-in", can, del, "**"))
	tests := []struct {
		who  identity.Principal
		path string
		want registry.Actions
	}{
		{robot("ci"), "a/b", pull | push},
		{robot("CI"), "a/b", pull | push},
		{robot("ci"), "public/x", pull},
		{robot("other"), "a/b", 0},
		{person("ci"), "a/b", pull | del},
		{identity.Principal{Name: "ci"}, "a/b", 0},
	}
	for _, tt := range tests {
		q := on(tt.who, pull|push|del, tt.path)
		if got := p.Decide(q).Granted; got != tt.want {
			t.Errorf("%s %s on %s: %q, want %q", tt.who.Kind, tt.who.Name, tt.path, got, tt.want)
		}
		checkExplained(t, p, q, p.Decide(q))
	}
	if p.Decide(catalog(robot("ci"))).Granted == 0 || p.Decide(catalog(robot("x"))).Granted != 0 {
		t.Error("the catalog is not for robot ci alone")
	}
	if _, err := policy.NewSubject(policy.Robot, "robot:a b", "", "a b"); err == nil {
		t.Error("a robot with a space in its name is accepted")
	}
}

func TestServesAnyoneOnRegistries(t *testing.T) {
	t.Parallel()
	p := compile(t, conditional(rule(t, "anyone", can, pull, "a/**"), func(r *policy.Rule) { r.On = []string{"one", "two"} }))
	for service, want := range map[string]bool{"one": true, "two": true, "three": false, "": false} {
		if got := p.ServesAnyone(service); got != want {
			t.Errorf("ServesAnyone(%q) = %v, want %v", service, got, want)
		}
	}
}

func TestConditionsInWords(t *testing.T) {
	t.Parallel()
	prod := rule(t, "anyone", cannot, push|del, "*/prod/**")
	prod.Except = []policy.Subject{subject(t, "group:release"), subject(t, "robot:release-pipeline")}
	eve := conditional(rule(t, "user:eve", can, pull, "payments/**"), func(r *policy.Rule) { r.Until = day(5) })
	soon := conditional(rule(t, "user:ann", can, pull, "payments/**"), func(r *policy.Rule) { r.Since, r.Until = noon(), noon().Add(time.Hour) })
	ci := conditional(rule(t, "robot:ci", can, push, "payments/**"), func(r *policy.Rule) {
		r.From = []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00::1/128")}
		r.On = []string{"registry.corp.example"}
	})
	staff := rule(t, "group:staff", can, push, "tools/**")
	staff.Except = []policy.Subject{subject(t, "user:tim"), subject(t, "group:interns")}
	p := compile(t, prod, eve, soon, ci, staff)
	sentences := []string{
		"Nobody except group release and robot release-pipeline can push and delete in */prod/**.",
		"User eve can pull payments/** until 2026-01-04.",
		"User ann can pull payments/** since 2026-01-05T12:00:00Z until 2026-01-05T13:00:00Z.",
		"Robot ci can push to payments/** from 10.20.0.0/16 or fd00::1 on registry.corp.example.",
		"Group staff except group interns and user tim can push to tools/**.",
	}
	for i, r := range p.Rules() {
		if got := r.Sentence(); got != sentences[i] {
			t.Errorf("Sentence() = %q, want %q", got, sentences[i])
		}
	}
	tests := []struct {
		who  identity.Principal
		edit func(*policy.Request)
		repo string
		want string
	}{
		{person("eve"), nil, "payments/x", "would be allowed by rule 2 (p.yaml:2) if it had not ended 2026-01-04"},
		{person("ann"), func(q *policy.Request) { q.Now = day(5) }, "payments/x", "would be allowed by rule 3 (p.yaml:3) if it had begun; it begins 2026-01-05T12:00:00Z"},
		{robot("ci"), func(q *policy.Request) { q.Client = netip.MustParseAddr("192.168.1.9") }, "payments/x", "would be allowed by rule 4 (p.yaml:4) if the client's address were in 10.20.0.0/16 or fd00::1; it is 192.168.1.9"},
		{robot("ci"), func(q *policy.Request) { q.Client = netip.Addr{} }, "payments/x", "would be allowed by rule 4 (p.yaml:4) if the client's address were in 10.20.0.0/16 or fd00::1; it is unknown"},
		{robot("ci"), func(q *policy.Request) { q.Service = "other" }, "payments/x", "would be allowed by rule 4 (p.yaml:4) if the registry were registry.corp.example"},
		{person("tim", "staff", "interns"), nil, "tools/x", "would be allowed by rule 5 (p.yaml:5) if it did not except user:tim and group:interns"},
		{person("sue"), nil, "tools/x", "would be allowed by rule 5 (p.yaml:5) if sue were in staff"},
		{person("tim"), nil, "tools/x", ""}, // and excepted
		{person("tim", "staff"), nil, "other/x", ""},
	}
	for _, tt := range tests {
		q := on(tt.who, pull, tt.repo)
		q.Service, q.Client, q.Now = "registry.corp.example", netip.MustParseAddr("10.20.0.1"), noon()
		if tt.edit != nil {
			tt.edit(&q)
		}
		got := ""
		for _, m := range p.Explain(q).Actions[0].Misses {
			if got == "" && !strings.Contains(m.Text(), " were in payments/") && !strings.Contains(m.Text(), "were eve") {
				got = m.Text()
			}
		}
		if got != tt.want {
			t.Errorf("%s on %s:\n%q, want\n%q", tt.who.Name, tt.repo, got, tt.want)
		}
	}
}
