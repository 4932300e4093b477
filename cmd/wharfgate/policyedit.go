package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyedit"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
)

// maxTries is how often an edit starts over because somebody else was faster.
const maxTries = 5

// policyEditor are the flags of the commands that change a policy.
type policyEditor struct {
	policySource

	File   string `placeholder:"FILE" help:"The policy; left out, the one that the configuration names."`
	DryRun bool   `help:"Show what would change, and write nothing."`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// edit changes the file: it shows what changes for whom, asks, and writes.
func (e *policyEditor) edit(ctx context.Context, s streams, caution caution, change func(data []byte) (after []byte, said string, err error)) error {
	o, path, err := e.file(e.File)
	if err != nil {
		return err
	}
	for range maxTries {
		err = e.once(ctx, s, o, path, caution, change)
		if !errors.Is(err, policyedit.ErrChanged) {
			return err
		}
		if _, err := fmt.Fprintln(s.err, "somebody else changed the file meanwhile; starting over"); err != nil {
			return err
		}
	}
	return err
}

// once tries to change the file.
func (e *policyEditor) once(ctx context.Context, s streams, o policyfile.Options, path string, caution caution, change func([]byte) ([]byte, string, error)) error {
	file, err := policyedit.Open(path)
	if err != nil {
		return err
	}
	before := policyfile.Check(ctx, path, file.Data(), o)
	if len(before.Faults) > 0 {
		return faulty(s, before, "the policy has faults as it is; nothing was changed")
	}
	text, said, err := change(file.Data())
	if err != nil {
		return err
	}
	after := policyfile.Check(ctx, path, text, o)
	if _, err := fmt.Fprintln(s.out, said); err != nil {
		return err
	}
	if len(after.Faults) > 0 {
		return faulty(s, after, "the policy would have faults; nothing was changed")
	}
	changes := policyplan.Plan(before.Policy, after.Policy)
	if err := printChanges(s.out, changes); err != nil {
		return err
	}
	if caution != nil {
		if _, err := fmt.Fprint(s.out, caution(before.Policy, after.Policy, changes)); err != nil {
			return err
		}
	}
	if e.DryRun {
		_, err := fmt.Fprintln(s.out, "dry run: nothing was written")
		return err
	}
	if err := e.confirm(s, path); err != nil {
		return err
	}
	if err := file.Write(text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "written: %s, revision %s; the version before is %s\n", path, after.Policy.Revision(), file.Backup())
	return err
}

// caution says what somebody may not expect of an edit; it may be empty.
type caution func(before, after *policy.Policy, changes []policyplan.Change) string

// freed warns where a can that goes opens something: it was the only rule to name a folder that holes keep out of.
func freed(before, after *policy.Policy, changes []policyplan.Change) string {
	if len(policyplan.Opened(changes)) == 0 || bars(before) != bars(after) {
		return ""
	}
	return "caution: this rule was the only one to name a folder, which kept holes out of it; those who gain above get it. To\n" +
		"keep them out, let another rule name the folder, such as a cannot for them\n"
}

// bars counts the rules that take something away.
func bars(p *policy.Policy) int {
	n := 0
	for _, r := range p.Rules() {
		if r.Effect == policy.Cannot {
			n++
		}
	}
	return n
}

// faulty prints the faults of a policy.
func faulty(s streams, r policyfile.Report, verdict string) error {
	if _, err := fmt.Fprintf(s.out, "%s\n%s\n", r.Faults.Text(), verdict); err != nil {
		return err
	}
	return errFaults
}

// confirm asks, unless it was told not to.
func (e *policyEditor) confirm(s streams, path string) error {
	if e.Yes {
		return nil
	}
	if !terminal(s.in) {
		return &usageError{"nobody can be asked here: add --yes to write, or --dry-run to look only"}
	}
	if _, err := fmt.Fprintf(s.err, "Write %s? [y/N] ", path); err != nil {
		return err
	}
	line, _ := bufio.NewReader(s.in).ReadString('\n') // the end of the input is a no
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("nothing was written")
	}
	return nil
}

type policyAllowCmd struct {
	policyEditor

	Until   string   `placeholder:"DATE" help:"The last day, or the moment of the end."`
	Note    string   `placeholder:"TEXT" help:"Why."`
	Subject string   `arg:"" help:"Who: group:NAME, user:NAME, user-id:ID, robot:NAME, signed-in or anyone."`
	Action  string   `arg:"" help:"pull, push, delete, catalog or everything; several with commas."`
	Repos   []string `arg:"" optional:"" name:"pattern" help:"Repositories, such as 'payments/**'; none for catalog."`
}

// Help gives examples.
func (*policyAllowCmd) Help() string {
	return `Adds a rule behind the others, in the style of the file. Comments and order stay as they are. The tests in the file
must hold with it; what changes for whom is shown before anything is written. The file is replaced at once, with its mode
and owner, and the version before is kept beside it, as FILE.1. If somebody else writes the file meanwhile, the command
starts over.

  wharfgate policy allow -c wharfgate.yaml group:payments push 'payments/**' --until 2027-03-31 --note "audit"
  wharfgate policy allow --file policy.yaml user:eve pull 'payments/**' --dry-run`
}

// Run adds the rule.
func (c *policyAllowCmd) Run(ctx context.Context, s streams) error {
	rule := policyedit.Rule{Who: []string{c.Subject}, Can: strings.Split(c.Action, ","), Repos: c.Repos, Until: c.Until, Note: c.Note}
	return c.edit(ctx, s, nil, func(data []byte) ([]byte, string, error) {
		text, err := policyedit.Allow(data, rule)
		if err != nil {
			return nil, "", err
		}
		n, _, err := policyedit.Outline(text)
		if err != nil {
			return nil, "", err
		}
		added, err := policyedit.Lines(text, n)
		return text, fmt.Sprintf("add rule %d:\n%s", n, added), err
	})
}

type policyRemoveCmd struct {
	policyEditor

	Line int `placeholder:"N" help:"The rule that stands at this line, in the place of its number."`
	Rule int `arg:"" optional:"" help:"The number of the rule, counted from one."`
}

// Help gives examples.
func (*policyRemoveCmd) Help() string {
	return `Takes out one rule with the comment right above it, and nothing else. The tests in the file must hold without it;
what changes for whom is shown before anything is written. As with policy allow, the version before is kept as FILE.1.

  wharfgate policy remove -c wharfgate.yaml 3
  wharfgate policy remove --file policy.yaml --line 14 --dry-run`
}

// Run takes the rule out.
func (c *policyRemoveCmd) Run(ctx context.Context, s streams) error {
	if (c.Rule > 0) == (c.Line > 0) {
		return &usageError{"name the rule by its number, or by --line"}
	}
	var chosen string // what was meant at first: its number may be another one's after somebody else's change
	return c.edit(ctx, s, freed, func(data []byte) ([]byte, string, error) {
		number := c.Rule
		if c.Line > 0 {
			var err error
			if number, err = policyedit.RuleAt(data, c.Line); err != nil {
				return nil, "", err
			}
		}
		lines, err := policyedit.Lines(data, number)
		if err != nil {
			return nil, "", err
		}
		if chosen != "" && chosen != lines {
			return nil, "", errors.New("the file has changed, and another rule stands there now; look at it again")
		}
		chosen = lines
		text, err := policyedit.Remove(data, number)
		return text, fmt.Sprintf("remove rule %d:\n%s", number, lines), err
	})
}
