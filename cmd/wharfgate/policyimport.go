package main

import (
	"fmt"
	"io"

	"github.com/wharfgate/wharfgate/pkg/policy/policyimport"
)

// maxImport is the greatest size of a file that is imported.
const maxImport = 8 << 20

type policyImportCmd struct {
	From string `arg:"" enum:"docker-auth,zot" help:"docker-auth or zot."`
	File string `arg:"" help:"Its configuration: YAML with an acl, or JSON with http.accessControl. - is standard input."`
}

// Help gives examples.
func (*policyImportCmd) Help() string {
	return `Prints a policy. Those rules have an order and a policy has none: what means the same in any order is converted,
the rest stands there as a comment that says why, and gives nothing. What the old rules answer for a sample of
people and repositories becomes the tests of the policy; answers that differ are comments at its end.

  wharfgate policy import docker-auth auth_config.yml > imported.yaml
  wharfgate policy import zot config.json > imported.yaml`
}

// Run imports.
func (c *policyImportCmd) Run(s streams) error {
	in, err := openInput(c.File, s)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(in, maxImport))
	if err != nil {
		return err
	}
	convert := policyimport.DockerAuth
	if c.From == "zot" {
		convert = policyimport.Zot
	}
	r, err := convert(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if _, err := s.out.Write(r.Policy); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "%s converted, %s left as comments; %d answers of the old rules are tests, %d differ\n",
		count(r.Rules, "rule"), count(r.Left, "rule"), r.Tests, r.Differ)
	return err
}
