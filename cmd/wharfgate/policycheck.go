package main

import (
	"context"
	"fmt"
	"io"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

type policyCheckCmd struct {
	policySource

	JSON bool   `help:"Print JSON."`
	File string `arg:"" optional:"" help:"The policy; left out, the one that the configuration names."`
}

// Help gives examples.
func (*policyCheckCmd) Help() string {
	return `Reads the file alone: no directory is asked whether a group exists, as wharfgate check --online does.
Without a configuration, short names of groups are taken to be allowed. Exit code 0: no faults (warnings do
not count); 1: faults, or tests that fail.

  wharfgate policy check policy.yaml
  wharfgate policy check -c wharfgate.yaml --json`
}

// Run checks.
func (c *policyCheckCmd) Run(ctx context.Context, s streams) error {
	o, path, err := c.file(c.File)
	if err != nil {
		return err
	}
	r := policyfile.CheckFile(ctx, path, o)
	if err := c.print(s.out, path, r); err != nil {
		return err
	}
	if len(r.Faults) > 0 {
		return errFaults
	}
	return nil
}

// checked is a report in JSON.
type checked struct {
	OK       bool                `json:"ok"`
	Rules    int                 `json:"rules"`
	Tests    int                 `json:"tests"`
	Revision string              `json:"revision,omitempty"`
	Faults   policyfile.Faults   `json:"faults"`
	Warnings policyfile.Warnings `json:"warnings"`
}

// print writes what was found, faults last so that they stand above the prompt.
func (c *policyCheckCmd) print(w io.Writer, path string, r policyfile.Report) error {
	if c.JSON {
		out := checked{OK: len(r.Faults) == 0, Rules: r.Rules, Tests: r.Tests, Faults: r.Faults, Warnings: r.Warnings}
		if r.Policy != nil {
			out.Revision = r.Policy.Revision()
		}
		if out.Faults == nil {
			out.Faults = policyfile.Faults{}
		}
		if out.Warnings == nil {
			out.Warnings = policyfile.Warnings{}
		}
		return writeJSON(w, out)
	}
	for _, warning := range r.Warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", warning.Text()); err != nil {
			return err
		}
	}
	if len(r.Faults) > 0 {
		_, err := fmt.Fprintf(w, "%s\n%s\n", r.Faults.Text(), verdict(len(r.Faults)))
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s, revision %s\n%s\n", path, count(r.Rules, "rule"), count(r.Tests, "test"), r.Policy.Revision(), verdict(0))
	return err
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
