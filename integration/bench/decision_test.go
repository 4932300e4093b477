package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// decision takes the time and the allocations of one decision among rules, each for a team of its own, for a
// person in so many of the teams. Package policy has benchmarks for more shapes of policies.
func decision(t testing.TB, rules, groups int) (took time.Duration, allocations float64) {
	t.Helper()
	text := []byte("version: 1\nrules:\n")
	for i := range rules {
		text = fmt.Appendf(text, "  - {who: 'group:unit-%05[1]d', can: push, repos: 'unit-%05[1]d/**'}\n", i)
	}
	const base = "ou=groups," + suffix
	p, err := policyfile.Parse("policy.yaml", text, policyfile.Options{
		Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: base}},
	})
	if err != nil {
		t.Fatal(err)
	}
	who := identity.Principal{Kind: identity.Person, Source: "corp", ID: "id", Name: login(0)}
	for i := range groups {
		name := fmt.Sprintf("unit-%05d", i*(rules/groups))
		who.Groups = append(who.Groups, identity.NewGroup("id-"+name, "cn="+name+","+base, name))
	}
	last := who.Groups[groups-1].Name
	r := policy.Request{Principal: who, Service: "registry.test", Scope: registry.Scope{
		Type: registry.TypeRepository, Name: last + "/app", Actions: registry.Pull | registry.Push,
	}}
	if d := p.Decide(r); d.Granted != registry.Pull|registry.Push {
		t.Fatalf("granted %v, want all", d.Granted)
	}
	const times = 20_000
	start := time.Now()
	for range times {
		p.Decide(r)
	}
	took = time.Since(start) / times
	return took, testing.AllocsPerRun(100, func() { p.Decide(r) })
}
