package policyfile_test

import (
	"errors"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// A document with faults is refused with all of them.
func ExampleParse() {
	const text = `version: 1
rules:
  - who: group:payments
    can: [pull, pusk]
    repos: <team>/**
`
	o := policyfile.Options{Directories: map[string]policyfile.Directory{
		"corp": {GroupsBaseDN: "ou=groups,dc=corp,dc=example"},
	}}
	_, err := policyfile.Parse("policy.yaml", []byte(text), o)
	if faults, ok := errors.AsType[policyfile.Faults](err); ok {
		fmt.Println(faults.Text())
	}
	// Output:
	// policy.yaml:4:17: unknown action "pusk"; did you mean "push"? (pull, push, delete, catalog, everything)
	//     4 |     can: [pull, pusk]
	//       |                 ^^^^
	// policy.yaml:5:12: <team> is not filled by "who: group:payments"; write group:team-<team>, or a fixed path
	//     5 |     repos: <team>/**
	//       |            ^^^^^^
}
