package main

import "github.com/wharfgate/wharfgate/pkg/config"

type configCmd struct {
	Schema configSchemaCmd `cmd:"" help:"Print the JSON Schema of the configuration file."`
}

// Help gives examples.
func (*configCmd) Help() string {
	return `Examples:

  wharfgate config schema > wharfgate.schema.json`
}

type configSchemaCmd struct{}

// Help gives examples.
func (*configSchemaCmd) Help() string {
	return `Editors that speak JSON Schema check and complete the file with it:

  wharfgate config schema > wharfgate.schema.json

and then, as the first line of wharfgate.yaml:

  # yaml-language-server: $schema=wharfgate.schema.json`
}

// Run prints the schema.
func (*configSchemaCmd) Run(s streams) error {
	_, err := s.out.Write(config.Schema())
	return err
}
