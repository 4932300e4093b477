package policyplan_test

import (
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
)

// Two policies are compared without any people.
func ExamplePlan() {
	read := func(text string) *policy.Policy {
		p, err := policyfile.Parse("policy.yaml", []byte("version: 1\nrules:\n"+text), policyfile.Options{
			Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: "ou=groups,dc=corp,dc=example"}},
		})
		if err != nil {
			fmt.Println(err)
		}
		return p
	}
	before := read(`
  - {who: "group:team-<team>", can: push, repos: <team>/**}
`)
	after := read(`
  - {who: "group:team-<team>", can: push, repos: <team>/**}
  - {who: signed-in, can: pull, repos: base/**}
  - {who: anyone, cannot: push, repos: "*/prod/**"}
`)
	for _, change := range policyplan.Plan(before, after) {
		fmt.Println(change.Text())
	}
	// Output:
	// group team-base loses push in base/**, a folder that another rule names now (rule 1, policy.yaml:4)
	// everyone signed in gains pull in base/** (rule 2, policy.yaml:5)
	// anyone is kept from push in */prod/**, whatever other rules give (rule 3, policy.yaml:6)
	// every group team-<team> loses push in <team>/** where it is also */prod/** (rule 3, policy.yaml:6)
}
