package policyimport_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/policy/policyimport"
)

// parse reads what was made.
func parse(t *testing.T, text []byte) {
	t.Helper()
	o := policyfile.Options{
		Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: "dc=corp"}},
		FindGroup: func(context.Context, string, string) ([]identity.Group, error) {
			return []identity.Group{identity.NewGroup("", "", "")}, nil
		},
	}
	if _, err := policyfile.Parse("p", text, o); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

const acl = `
acl:
  - match: {account: "admin"}
    actions: ["*"]
    comment: "Admin has full access to everything."
  - match: {account: "", name: "public/*"}
    actions: ["pull"]
  - match: {account: "/.+/", name: "${account}/*"}
    actions: ["*"]
  - match: {labels: {group: "payments"}, name: "/^payments\\/.*$/", ip: "10.0.0.0/8"}
    actions: [pull, push]
  - match: {account: "/^(eve|mallory)$/", name: "tools/*"}
    actions: [pull]
  - match: {name: "/secret/"}
    actions: []
  - match: {name: "tools/*"}
    actions: [pull, push]
`

func TestDockerAuth(t *testing.T) {
	t.Parallel()
	r, err := policyimport.DockerAuth([]byte(acl))
	if err != nil {
		t.Fatal(err)
	}
	parse(t, r.Policy)
	text := string(r.Policy)
	for _, want := range []string{
		"  # Admin has full access to everything.\n  # Entry 1\n  - {who: user:admin, can: [push, delete, catalog], repos: \"**\"}",
		"- {who: anyone, except: signed-in, can: pull, repos: public/*}",
		"- {who: signed-in, can: [push, delete], repos: <user>/*}",
		"from: \"10.0.0.0/8\"",
		"who: [user:eve, user:mallory]",
		"# Entry 6 is not converted: the name is a regular expression",
		"# Entry 7 is not converted: entry 5 decides first about some of it, and gives less",
		"tests:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %s", want)
		}
	}
	if r.Rules != 5 || r.Left != 2 || r.Tests == 0 {
		t.Errorf("counts: %d converted, %d left, %d tests, %d differ", r.Rules, r.Left, r.Tests, r.Differ)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestDockerAuthOrder: what another order would change is not converted.
func TestDockerAuthOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, acl string
		rules     int
	}{
		{"a deny before", "- {match: {account: eve}, actions: []}\n- {match: {}, actions: [pull]}", 2},
		{"a deny behind", "- {match: {account: eve}, actions: [pull]}\n- {match: {account: eve}, actions: []}", 1},
		{"a deny between", "- {match: {account: eve, name: a/*}, actions: [pull]}\n- {match: {account: eve}, actions: []}\n- {match: {}, actions: [pull]}", 1},
		{"less before", "- {match: {account: eve}, actions: [pull]}\n- {match: {}, actions: ['*']}", 1},
		{"more before", "- {match: {account: eve}, actions: ['*']}\n- {match: {}, actions: [pull]}", 2},
		{"elsewhere before", "- {match: {name: a/*}, actions: [pull]}\n- {match: {name: b/*}, actions: ['*']}", 2},
		{"push alone", "- {match: {}, actions: [push]}", 0},
		{"an unknown condition", "- {match: {email: x}, actions: [pull]}", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := policyimport.DockerAuth([]byte("acl:\n" + test.acl + "\n"))
			if err != nil || r.Rules != test.rules {
				t.Errorf("%d rules, want %d, %v\n%s", r.Rules, test.rules, err, r.Policy)
			}
			parse(t, r.Policy)
		})
	}
}

const zot = `{"http": {"accessControl": {
  "groups": {"crew": {"users": ["jack", "jill"]}},
  "repositories": {
    "infra/**": {"policies": [{"users": ["bob"], "groups": ["crew", "ops"], "actions": ["read", "create", "update"]}], "defaultPolicy": ["read"]},
    "public/*": {"anonymousPolicy": ["read"], "defaultPolicy": ["read", "create"]},
    "infra/secret/**": {"policies": [{"users": ["bob"], "actions": ["read"]}]}
  },
  "adminPolicy": {"users": ["admin"], "actions": ["read", "create", "update", "delete"]}
}}}`

func TestZot(t *testing.T) {
	t.Parallel()
	r, err := policyimport.Zot([]byte(zot))
	if err != nil {
		t.Fatal(err)
	}
	parse(t, r.Policy)
	for _, want := range []string{
		`"infra/**", policy 1 is not converted: "infra/secret/**" decides about a part of it`,
		`- {who: user:bob, can: pull, repos: [infra/secret, infra/secret/**]}`,
		`- {who: anyone, except: signed-in, can: pull, repos: public/*}`,
		`"public/*", defaultPolicy is not converted: it gives create or update alone`,
		`- {who: user:admin, can: [push, delete], repos: "**"}`,
		"different: the old rules allowed pull infra/",
	} {
		if !strings.Contains(string(r.Policy), want) {
			t.Errorf("it has no %s", want)
		}
	}
	if t.Failed() {
		t.Log(string(r.Policy))
	}
}

func TestNoRules(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", "acl: []", "acl:\n- actions: [pull]\n"} {
		if _, err := policyimport.DockerAuth([]byte(text)); !errors.Is(err, policyimport.ErrNoRules) {
			t.Errorf("DockerAuth(%q): %v", text, err)
		}
	}
	if _, err := policyimport.Zot([]byte("{}")); !errors.Is(err, policyimport.ErrNoRules) {
		t.Errorf("Zot: %v", err)
	}
}

// FuzzDockerAuth: whatever is imported, what comes out can be read.
func FuzzDockerAuth(f *testing.F) {
	f.Add(acl)
	f.Add("acl:\n- {match: {account: \"a: b\", name: \"*\", labels: {x: \"y z\"}, service: \"\\u0085\"}, actions: ['*'], comment: \"a\\nb\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := policyimport.DockerAuth([]byte(text)); err == nil {
			parse(t, r.Policy)
		}
	})
}

// FuzzZot does the same.
func FuzzZot(f *testing.F) {
	f.Add(zot)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := policyimport.Zot([]byte(text)); err == nil {
			parse(t, r.Policy)
		}
	})
}
