package main

import "github.com/wharfgate/wharfgate/pkg/policy/policyfile"

type policySchemaCmd struct{}

// Help gives examples.
func (*policySchemaCmd) Help() string {
	return `Editors that speak JSON Schema check and complete the file with it:

  wharfgate policy schema > policy.schema.json

and then, as the first line of policy.yaml:

  # yaml-language-server: $schema=policy.schema.json`
}

// Run prints the schema.
func (*policySchemaCmd) Run(s streams) error {
	_, err := s.out.Write(policyfile.Schema())
	return err
}
