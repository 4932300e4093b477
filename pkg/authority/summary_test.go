package authority_test

import (
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// summaryRule makes a rule for everyone at a line.
func summaryRule(t *testing.T, line int, effect policy.Effect, actions registry.Actions, repo string) policy.Rule {
	t.Helper()
	who, err := policy.NewSubject(policy.Anyone, "anyone", "", "")
	if err != nil {
		t.Fatal(err)
	}
	pattern, err := policy.ParsePattern(repo)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Rule{
		Position: policy.Position{File: "p.yaml", Line: line}, Who: []policy.Subject{who}, Effect: effect,
		Actions: actions, Repos: []policy.Pattern{pattern},
	}
}

func TestSummaryOfAGrant(t *testing.T) {
	t.Parallel()
	p, err := policy.New(policy.Options{Rules: []policy.Rule{
		summaryRule(t, 3, policy.Can, registry.Pull, "public/**"),
		summaryRule(t, 5, policy.Can, registry.Pull|registry.Push, "team/*"),
		summaryRule(t, 7, policy.Cannot, registry.Push, "team/frozen"),
	}})
	if err != nil {
		t.Fatalf("policy.New: %v", err)
	}
	tests := []struct {
		name, reason string
		scopes       []string
		rules        []string
		complete     bool
	}{
		{"login", "", nil, nil, true},
		{"all", "", []string{"repository:public/a:pull"}, []string{"p.yaml:3"}, true},
		{"one rule for two scopes", "", []string{"repository:team/a:pull,push", "repository:team/b:pull"}, []string{"p.yaml:5"}, true},
		{"star", "", []string{"repository:team/a:*"}, []string{"p.yaml:5"}, true},
		{"no rule", "no_rule", []string{"repository:x:pull"}, nil, false},
		{"a star for nothing", "no_rule", []string{"repository:x:*"}, nil, false},
		{"denied", "denied_by_rule", []string{"repository:team/frozen:pull,push"}, []string{"p.yaml:5", "p.yaml:7"}, false},
		{
			"denied is said before no rule", "denied_by_rule",
			[]string{"repository:a:pull", "repository:team/frozen:push", "repository:x:pull"},
			[]string{"p.yaml:7"},
			false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := decided(t, p, tt.scopes)
			if got := g.Rules(); !slices.Equal(got, tt.rules) {
				t.Errorf("Rules() = %v, want %v", got, tt.rules)
			}
			if got := g.Reason(); got != tt.reason {
				t.Errorf("Reason() = %q, want %q", got, tt.reason)
			}
			if got := g.Complete(); got != tt.complete {
				t.Errorf("Complete() = %v, want %v", got, tt.complete)
			}
		})
	}
}

// decided asks a policy for scopes.
func decided(t *testing.T, p *policy.Policy, values []string) authority.Grant {
	t.Helper()
	scopes, _, err := registry.ParseScopes(values, 0)
	if err != nil {
		t.Fatal(err)
	}
	var g authority.Grant
	for _, s := range scopes {
		g.Decisions = append(g.Decisions, p.Decide(policy.Request{Principal: identity.Principal{}, Service: "r", Scope: s}))
	}
	return g
}
