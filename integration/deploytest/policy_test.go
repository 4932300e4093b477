package deploytest_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// TestExamplePolicy: it loads with the example configuration's directory, and does what its comments say.
func TestExamplePolicy(t *testing.T) {
	t.Parallel()
	p := examplePolicy(t)
	tests := []struct {
		name        string
		who         identity.Principal
		can, cannot string
	}{
		{"nobody", identity.Principal{}, "pull public/hello", "push public/hello, pull base/debian, catalog"},
		{"somebody", person("erin"), "push users/erin/app, pull base/debian, pull tools/make", "push users/bob/app, pull tools/a/b, pull payments/api"},
		{"payments", person("alice", "payments"), "push payments/api, pull payments/api", "delete payments/api, push payments/prod/api"},
		{"a team", person("bob", "team-search"), "push search/app, delete search/app", "push payments/api, push search/prod/app"},
		{"a team called base", person("bill", "team-base"), "pull base/debian", "push base/debian"},
		{"a stage", person("rita", "shop-dev-rw"), "push apps/shop/dev/web", "push apps/shop/test/web"},
		{"eve", person("eve"), "pull payments/api", "push payments/api"},
		{"platform", person("dora", "platform-engineering"), "push any/thing, catalog, delete any/thing", "push any/prod/thing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for words := range strings.SplitSeq(tt.can, ", ") {
				if got, want := decide(p, tt.who, words); got != want {
					t.Errorf("%s: granted %v, want %v", words, got, want)
				}
			}
			for words := range strings.SplitSeq(tt.cannot, ", ") {
				if got, want := decide(p, tt.who, words); got == want {
					t.Errorf("%s: granted", words)
				}
			}
		})
	}
}

// examplePolicy reads the example with what the example configuration says about the directory.
func examplePolicy(t *testing.T) *policy.Policy {
	t.Helper()
	c, err := config.Load(exampleConfig)
	if err != nil {
		t.Fatal(err)
	}
	d := c.Directories[0]
	p, err := policyfile.Parse("policy.yaml", readBytes(t, "../../deploy/examples/policy.yaml"), policyfile.Options{
		DefaultDirectory: d.Name,
		Directories:      map[string]policyfile.Directory{d.Name: {GroupsBaseDN: d.Groups.BaseDN}},
	})
	if err != nil {
		t.Fatalf("the example policy:\n%v", err)
	}
	return p
}

func person(name string, groups ...string) identity.Principal {
	p := identity.Principal{Kind: identity.Person, Source: "corp", ID: "id-" + name, Name: name}
	for _, g := range groups {
		p.Groups = append(p.Groups, identity.NewGroup("id-"+g, "cn="+g+",ou=groups,dc=corp,dc=example", g))
	}
	return p
}

// decide asks for "push payments/api" or "catalog" and gives what was granted and what was asked.
func decide(p *policy.Policy, who identity.Principal, words string) (granted, asked registry.Actions) {
	action, repository, _ := strings.Cut(words, " ")
	s := registry.Scope{Type: registry.TypeRepository, Name: repository, Actions: registry.ParseAction(action)}
	if action == "catalog" {
		s = registry.Scope{Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog}
	}
	return p.Decide(policy.Request{Principal: who, Service: "registry.corp.example", Scope: s}).Granted, s.Actions
}
