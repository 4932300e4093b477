package main

import (
	"context"
	"fmt"
	"io"

	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

type policyCheckCmd struct {
	policySource

	Online bool   `help:"Ask the directories of the configuration for the groups and the users that the policy names."`
	JSON   bool   `help:"Print JSON."`
	File   string `arg:"" optional:"" help:"The policy; left out, the one that the configuration names."`
}

// Help gives examples.
func (*policyCheckCmd) Help() string {
	return `Reads the file alone; with --online it also asks the directories whether its groups and users exist. Without a
configuration, short names of groups are taken to be allowed. Exit code 0: no faults (warnings do not count);
1: faults, or tests that fail.

  wharfgate policy check policy.yaml
  wharfgate policy check -c wharfgate.yaml --online
  wharfgate policy check -c wharfgate.yaml --json`
}

// Run checks.
func (c *policyCheckCmd) Run(ctx context.Context, s streams) error {
	o, path, err := c.file(c.File)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if c.Online {
		desk, err := c.online()
		if err != nil {
			return err
		}
		defer desk.Close(ctx)
		o = desk.Options
		defer s.patience("asking the directories")()
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

// online opens what can ask the directories.
func (c *policyCheckCmd) online() (*gate.PolicyDesk, error) {
	if c.Config == "" {
		return nil, &usageError{"--online asks the directories of a configuration: name it with -c"}
	}
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return nil, err
	}
	return gate.OpenPolicyDesk(cfg)
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
