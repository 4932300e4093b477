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
  wharfgate policy plan -c wharfgate.yaml policy.yaml new.yaml --replay /var/log/wharfgate/audit.log`
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
	return c.printReplay(w, answer.Replay)
}

// printChanges writes the changes for people.
func printChanges(w io.Writer, changes []policyplan.Change) error {
	for _, change := range changes {
		if _, err := fmt.Fprintln(w, visible(change.Text())); err != nil {
			return err
		}
	}
	verdict := count(len(changes), "change")
	if len(changes) == 0 {
		verdict = "nothing changes for anybody"
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
func (c *policyPlanCmd) printReplay(w io.Writer, r *policyplan.Replayed) error {
	if _, err := fmt.Fprintf(w, "\nreplay: %s with %s\n", count(r.Records, "request"), count(r.Decisions, "decision")); err != nil {
		return err
	}
	for _, change := range r.Changed {
		if _, err := fmt.Fprintln(w, visible(change.Text())); err != nil {
			return err
		}
	}
	refused, unknown := "requests were", "lines are"
	if r.Refused == 1 {
		refused = "request was"
	}
	if r.Unknown == 1 {
		unknown = "line is"
	}
	if _, err := fmt.Fprintf(w, "%s would change; %d could not be compared; %d %s refused without a decision, %d %s no known record\n",
		count(len(r.Changed), "different decision"), r.Unclear, r.Refused, refused, r.Unknown, unknown); err != nil {
		return err
	}
	return c.printUnclear(w, r.Unclear)
}

// printUnclear says why decisions could not be compared, if there are any, and what may help.
func (c *policyPlanCmd) printUnclear(w io.Writer, unclear int) error {
	const why = "note: what could not be compared was decided by another policy than the old one, or by a group whose short name is not "
	if unclear == 0 {
		return nil
	}
	rest := "its cn"
	if c.Config == "" && len(c.Directory) == 0 {
		rest = "known here: name the directories by -c or --directory"
	}
	_, err := fmt.Fprintln(w, why+rest)
	return err
}
