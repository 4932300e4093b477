package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
)

// errDiffers says that two policies differ, and that the exit code is to tell it.
var errDiffers = errors.New("the policies differ")

type policyPlanCmd struct {
	policySource

	Replay   string `placeholder:"FILE" help:"Audit record: list which of its decisions would change. - is standard input."`
	ExitCode bool   `help:"Exit with 4 where anything changes."`
	JSON     bool   `help:"Print JSON."`
	Before   string `arg:"" name:"old" help:"The policy before the change."`
	After    string `arg:"" name:"new" help:"The policy after it."`
}

// Help gives examples.
func (*policyPlanCmd) Help() string {
	return `Compares what the two policies give to each group, user and pattern that they name, and asks no
directory; a note says what it therefore cannot know. It never misses a change. Exit code 0: both were read; 1: faults; with --exit-code 4: something
changes.

An audit record names only the groups through which a rule decided. So what --replay lists as lost may still
be given to somebody by another group of theirs, and a new cannot for another group is not seen there.

  wharfgate policy plan policy.yaml new.yaml
  wharfgate policy plan old.yaml policy.yaml --exit-code
  wharfgate policy plan policy.yaml new.yaml --replay /var/log/wharfgate/audit.log`
}

// plan is the answer in JSON.
type plan struct {
	Changes []policyplan.Change  `json:"changes"`
	Notes   []string             `json:"notes,omitempty"`
	Replay  *policyplan.Replayed `json:"replay,omitempty"`
}

// Run compares.
func (c *policyPlanCmd) Run(ctx context.Context, s streams) error {
	o, _, err := c.load()
	if err != nil {
		return err
	}
	before, err := readPolicy(ctx, s, c.Before, o)
	if err != nil {
		return err
	}
	after, err := readPolicy(ctx, s, c.After, o)
	if err != nil {
		return err
	}
	answer := plan{Changes: policyplan.Plan(before, after)}
	answer.Notes = policyplan.Notes(answer.Changes)
	if c.Replay != "" {
		if answer.Replay, err = c.replay(s, before, after); err != nil {
			return err
		}
	}
	if err := c.print(s.out, answer); err != nil {
		return err
	}
	if c.ExitCode && len(answer.Changes) > 0 {
		return errDiffers
	}
	return nil
}

// replay reads the audit record.
func (c *policyPlanCmd) replay(s streams, before, after *policy.Policy) (*policyplan.Replayed, error) {
	in, err := openInput(c.Replay, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read
	r, err := policyplan.Replay(before, after, in)
	return &r, err
}

// print writes the answer.
func (c *policyPlanCmd) print(w io.Writer, answer plan) error {
	if c.JSON {
		if answer.Changes == nil {
			answer.Changes = []policyplan.Change{}
		}
		return writeJSON(w, answer)
	}
	if err := printChanges(w, answer.Changes); err != nil || answer.Replay == nil {
		return err
	}
	return printReplay(w, answer.Replay)
}

// printChanges writes the changes for people.
func printChanges(w io.Writer, changes []policyplan.Change) error {
	for _, change := range changes {
		if _, err := fmt.Fprintln(w, visible(change.Text())); err != nil {
			return err
		}
	}
	verdict := fmt.Sprintf("%d changes", len(changes))
	switch len(changes) {
	case 0:
		verdict = "nothing changes for anybody"
	case 1:
		verdict = "1 change"
	}
	if _, err := fmt.Fprintln(w, verdict); err != nil {
		return err
	}
	for _, note := range policyplan.Notes(changes) {
		if _, err := fmt.Fprintln(w, "note: "+note); err != nil {
			return err
		}
	}
	return nil
}

// printReplay writes what the replay found.
func printReplay(w io.Writer, r *policyplan.Replayed) error {
	if _, err := fmt.Fprintf(w, "\nreplay: %d requests with %d decisions\n", r.Records, r.Decisions); err != nil {
		return err
	}
	for _, change := range r.Changed {
		if _, err := fmt.Fprintln(w, visible(change.Text())); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d different decisions would change; %d could not be compared (made by another policy than the old one, or by a group\n"+
		"whose short name is not its cn), %d requests were refused without a decision, %d lines are no known record\n",
		len(r.Changed), r.Unclear, r.Refused, r.Unknown)
	return err
}
