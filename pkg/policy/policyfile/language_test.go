package policyfile_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// options are those of one directory with a groups base, and one without.
func options() policyfile.Options {
	return policyfile.Options{
		DefaultDirectory: "corp",
		Directories: map[string]policyfile.Directory{
			"corp":    {GroupsBaseDN: "OU=Groups,DC=corp,DC=example"},
			"partner": {GroupsBaseDN: "ou=groups,dc=partner,dc=example"},
			"bare":    {},
		},
		Services: []string{"registry.corp.example", "mirror.corp.example"},
	}
}

// examples are the rules of the reference page's examples.
const examples = `# yaml-language-server: $schema=https://auth.example.com/schema/policy.v1.json
version: 1

groups:                       # optional short names for directory groups
  platform: "CN=Platform Engineering,OU=Groups,DC=corp,DC=example"
  release:  ["CN=Release Managers,OU=Groups,DC=corp,DC=example", release-bots-owners]

rules:
  # 1  Group payments can push to payments/**.
  - who: group:payments
    can: push
    repos: payments/**

  # 2  Every group team-<team> can push and delete in the folder of the same name.
  - who: group:team-<team>
    can: [push, delete]
    repos: <team>/**

  # 3  Everyone signed in can push and delete in users/<their name>/**.
  - who: signed-in
    can: [push, delete]
    repos: users/<user>/**

  # 4  Anyone can pull public images; everyone signed in can pull base images and tools.
  - who: anyone
    can: pull
    repos: public/**
  - who: signed-in
    can: pull
    repos: [base/**, tools/*]

  # 8  Platform can do everything everywhere; <app>-dev-rw and <app>-test-rw can push to their stage.
  - who: group:platform
    can: everything
    repos: "**"
  - who: group:<app>-<stage:dev|test>-rw
    can: push
    repos: apps/<app>/<stage>/**
`

// person makes a person of directory corp in groups, given by name or by DN.
func person(name string, groups ...string) identity.Principal {
	p := identity.Principal{Kind: identity.Person, Source: "corp", ID: "id-" + name, Name: name}
	for _, g := range groups {
		if strings.Contains(g, "=") {
			p.Groups = append(p.Groups, identity.NewGroup("id-"+g, g, ""))
			continue
		}
		p.Groups = append(p.Groups, identity.NewGroup("id-"+g, "CN="+g+",OU=Groups,DC=corp,DC=example", g))
	}
	return p
}

// ask makes a request of words such as "push payments/api" or "catalog".
func ask(who identity.Principal, words string) policy.Request {
	verb, repo, _ := strings.Cut(words, " ")
	if verb == "catalog" {
		return policy.Request{Principal: who, Scope: registry.Scope{
			Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog,
		}}
	}
	return policy.Request{Principal: who, Service: "registry.example", Scope: registry.Scope{
		Type: registry.TypeRepository, Name: repo, Actions: registry.ParseAction(verb),
	}}
}

func TestPrintedExamples(t *testing.T) {
	t.Parallel()
	p, err := policyfile.Parse("policy.yaml", []byte(examples), options())
	if err != nil {
		t.Fatal(err)
	}
	const platform = "cn=platform engineering, ou=Groups, dc=corp, dc=example"
	tests := []struct {
		who         identity.Principal
		can, cannot []string
	}{
		{person("alice", "payments"), []string{"push payments/api", "pull base/debian"}, []string{"push search/app", "catalog"}},
		{
			person("bob", "team-search"),
			[]string{"push search/app", "delete search/app/cache", "push users/bob/x", "pull tools/a"},
			[]string{"push users/alice/x", "push payments/api", "push search", "pull tools/a/b"},
		},
		{person("dora", platform), []string{"push anything/at/all", "catalog"}, nil},
		{person("Bob"), []string{"push users/bob/x"}, []string{"push users/Bob/x", "push users/bob"}},
		{person("rita", "shop-web-dev-rw"), []string{"push apps/shop-web/dev/x"}, []string{"push apps/shop-web/prod/x", "push apps/shop/dev/x"}},
		{person("carl", "team-payments", "team-apps", "team-base"), nil, []string{"push payments/api", "push apps/x", "push base/x"}},
		{identity.Principal{}, []string{"pull public/hello"}, []string{"push public/hello", "pull base/debian"}},
	}
	for _, tt := range tests {
		for _, words := range tt.can {
			if r := ask(tt.who, words); p.Decide(r).Granted != r.Scope.Actions {
				t.Errorf("%s: %s is not granted:\n%s", tt.who.Name, words, strings.Join(p.Explain(r).Lines(), "\n"))
			}
		}
		for _, words := range tt.cannot {
			if r := ask(tt.who, words); p.Decide(r).Granted != 0 {
				t.Errorf("%s: %s is granted:\n%s", tt.who.Name, words, strings.Join(p.Explain(r).Lines(), "\n"))
			}
		}
	}
}
