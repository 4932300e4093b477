package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

type policyTestCmd struct {
	policySource

	JSON bool   `help:"Print JSON."`
	File string `arg:"" optional:"" help:"The policy; left out, the one that the configuration names."`
}

// Help gives examples.
func (*policyTestCmd) Help() string {
	return `Runs what stands under "tests" in the policy. Groups count as the tests write them; no directory is asked. The
running gate does the same before it takes a file. Exit code 0: all hold; 1: one fails, or the file has faults.

  wharfgate policy test policy.yaml
  wharfgate policy test -c wharfgate.yaml`
}

// tested is the outcome in JSON.
type tested struct {
	OK         bool              `json:"ok"`
	Tests      int               `json:"tests"`
	Assertions int               `json:"assertions"`
	Failed     int               `json:"failed"`
	Faults     policyfile.Faults `json:"faults"`
}

// Run runs the tests.
func (c *policyTestCmd) Run(ctx context.Context, s streams) error {
	o, path, err := c.file(c.File)
	if err != nil {
		return err
	}
	r := policyfile.CheckFile(ctx, path, o)
	out := tested{OK: len(r.Faults) == 0, Tests: r.Tests, Assertions: r.Assertions, Faults: r.Faults}
	for _, f := range r.Faults {
		if f.Code == policyfile.CodeFailedTest {
			out.Failed++
		}
	}
	if out.Faults == nil {
		out.Faults = policyfile.Faults{}
	}
	if err := c.print(s.out, out); err != nil {
		return err
	}
	if !out.OK {
		return errFaults
	}
	return nil
}

// print writes the outcome.
func (c *policyTestCmd) print(w io.Writer, out tested) error {
	if c.JSON {
		return writeJSON(w, out)
	}
	if len(out.Faults) > 0 {
		if _, err := fmt.Fprintln(w, out.Faults.Text()); err != nil {
			return err
		}
	}
	verdict := fmt.Sprintf("%s with %s: all hold", count(out.Tests, "test"), count(out.Assertions, "assertion"))
	switch {
	case slices.ContainsFunc(out.Faults, func(f policyfile.Fault) bool {
		return f.Code != policyfile.CodeFailedTest && f.Code != policyfile.CodeMore
	}):
		verdict = "the tests were not run: the policy has faults"
	case !out.OK:
		verdict = fmt.Sprintf("%s with %s: %d failed", count(out.Tests, "test"), count(out.Assertions, "assertion"), out.Failed)
	case out.Tests == 0:
		verdict = `no tests: the policy has none under "tests"`
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
