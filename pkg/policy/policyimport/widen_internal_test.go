package policyimport

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// entries writes an acl of a few entries.
func entries(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("acl:\n")
	for range 1 + r.IntN(5) {
		match := []string{}
		if r.IntN(2) == 0 {
			match = append(match, "account: "+pick(r, `""`, "a", "b", `"/.+/"`, `"?*"`, `"/^(a|b)$/"`, `"*"`, `"/a/"`))
		} else if r.IntN(2) == 0 {
			match = append(match, "labels: {group: "+pick(r, "g", "h", `"/g/"`)+"}")
		}
		if r.IntN(3) > 0 {
			match = append(match, "name: "+pick(r, "x/*", `"*/y"`, "x/y", `"/^x\\/.*$/"`, `"/x/"`, `"${account}/*"`, `"${labels:group}/*"`, `"**"`, `"x/?"`, "y/*", "x*/y"))
		}
		if r.IntN(5) == 0 {
			match = append(match, "ip: "+pick(r, "10.0.0.0/8", "10.1.0.1"))
		}
		if r.IntN(8) == 0 {
			match = append(match, "type: "+pick(r, "repository", "registry"))
		}
		fmt.Fprintf(&b, "- match: {%s}\n  actions: %s\n", strings.Join(match, ", "), pick(r, "['*']", "[pull]", "[pull, push]", "[]", "[push]", "[pull, push, delete]"))
	}
	return b.String()
}

// TestDockerAuthNeverWidens: the policy gives nobody what the old rules did not give.
func TestDockerAuthNeverWidens(t *testing.T) {
	t.Parallel()
	converted := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := entries(r)
		var file struct {
			ACL []aclEntry `yaml:"acl"`
		}
		if err := yaml.Unmarshal([]byte(text), &file); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		result, err := DockerAuth([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		converted += result.Rules
		p, err := policyfile.Parse("p", result.Policy, policyfile.Options{
			Directories: map[string]policyfile.Directory{"d": {GroupsBaseDN: "dc=x"}}, FindGroup: anyGroup,
		})
		if err != nil {
			t.Fatalf("%v\n%s", err, result.Policy)
		}
		for range 60 {
			q := question{
				who:    somebody{user: pick(r, "", "a", "b", "x"), address: pick(r, "10.1.0.1", "10.2.0.1", "192.168.0.1")},
				name:   pick(r, "x/y", "x/z", "x/y/z", "y/y", "a/y", "g/z", "x", "xx/y", "b/c/d"),
				action: pick(r, registry.Pull, registry.Push, registry.Delete),
			}
			if q.who.user != "" {
				q.who.group = pick(r, "", "g", "h", "x")
			}
			old, known := firstMatch(file.ACL, q)
			if !known {
				continue
			}
			request := policy.Request{
				Scope:  registry.Scope{Type: registry.TypeRepository, Name: q.name, Actions: q.action},
				Client: netip.MustParseAddr(q.who.address), Service: "registry",
			}
			if q.who.user != "" {
				request.Principal = identity.Principal{Kind: identity.Person, Source: "d", Name: q.who.user}
			}
			if q.who.group != "" {
				request.Principal.Groups = []identity.Group{identity.NewGroup("", "cn="+q.who.group, q.who.group)}
			}
			if p.Decide(request).Granted != 0 && old == 0 {
				t.Fatalf("seed %d: %+v is granted now:\n%s\n%s", seed, q, text, result.Policy)
			}
		}
	}
	if converted < 300 {
		t.Errorf("only %d rules were converted", converted)
	}
}
