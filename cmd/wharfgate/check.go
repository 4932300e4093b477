package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

// checkTimeout bounds a whole check.
const checkTimeout = 30 * time.Second

type checkCmd struct {
	configFlag

	Online bool   `help:"Ask the directory's servers, too, and look up the groups that the policy names."`
	User   string `placeholder:"NAME" help:"Show this account, too, without its password: its entry, state, groups and rights. A login name, or NAME@DIRECTORY as in the policy. Asks the directory."`
	JSON   bool   `help:"Print JSON."`
}

// Help gives examples.
func (*checkCmd) Help() string {
	return `Changes nothing. Exit code 0: no faults (warnings do not count); 1: faults.

  wharfgate check -c wharfgate.yaml
  wharfgate check -c wharfgate.yaml --online
  wharfgate check -c wharfgate.yaml --user alice
  wharfgate check -c wharfgate.yaml --json`
}

// Run checks.
func (c *checkCmd) Run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	findings := c.find(ctx, s)
	account := c.account(ctx, s)
	if account != nil && !account.OK {
		findings = append(findings, c.refusal(account))
	}
	faults := 0
	for _, f := range findings {
		if f.Severity == gate.Fault {
			faults++
		}
	}
	if err := c.print(s.out, findings, account, faults); err != nil {
		return err
	}
	if faults > 0 {
		return errFaults
	}
	return nil
}

// find runs the check. Of a file with faults, what was understood is looked at all the same.
func (c *checkCmd) find(ctx context.Context, s streams) []gate.Finding {
	cfg, err := config.Load(c.Config)
	scope := gate.Offline
	if c.Online && err == nil {
		scope = gate.Online
		defer s.patience("asking the directory's servers")()
	}
	return gate.Check(ctx, cfg, err, scope)
}

// account looks at the account of --user; nil if none is asked for. Whatever keeps it from being shown is its reason.
func (c *checkCmd) account(ctx context.Context, s streams) *loginResult {
	if c.User == "" {
		return nil
	}
	start := time.Now()
	refused := func(err error) *loginResult {
		reason, detail := reasonOf(err)
		return &loginResult{Reason: reason, Detail: detail, Took: time.Since(start).Round(time.Millisecond).String(), unasked: true}
	}
	cfg, err := config.Load(c.Config)
	if err != nil { // its faults are told
		return refused(err)
	}
	desk, err := gate.OpenDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return refused(err)
	}
	defer desk.Close()
	defer s.patience("asking the directory for the account")()
	source, user := qualified(cfg, c.User)
	who, err := desk.Account(ctx, source, user)
	result := describe(ctx, desk, source, user, who, err, time.Since(start))
	result.unasked = true
	return &result
}

// refusal is the fault of an account that may not log in; the account itself is shown, too.
func (c *checkCmd) refusal(account *loginResult) gate.Finding {
	return gate.Finding{
		Severity: gate.Fault, Where: "account " + visible(c.User),
		Text: fmt.Sprintf("login refused: %s. %s", account.Reason, meaning(account.Reason)),
	}
}

// print writes the findings, faults last so that they stand above the prompt.
func (c *checkCmd) print(w io.Writer, findings []gate.Finding, account *loginResult, faults int) error {
	if c.JSON {
		said := map[string]any{"ok": faults == 0, "findings": findings}
		if account != nil {
			said["account"] = account
		}
		return writeJSON(w, said)
	}
	if account != nil {
		if _, err := fmt.Fprintf(w, "account %s: ", visible(c.User)); err != nil {
			return err
		}
		if err := account.print(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	for _, severity := range []gate.Severity{gate.OK, gate.Warning, gate.Fault} {
		for _, f := range findings {
			if f.Severity != severity {
				continue
			}
			if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", paint(w, severity), f.Where, visibleLines(f.Text)); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "%s\n", verdict(faults))
	return err
}

// verdict is the last line.
func verdict(faults int) string {
	switch faults {
	case 0:
		return "no faults"
	case 1:
		return "1 fault"
	default:
		return fmt.Sprintf("%d faults", faults)
	}
}

// paint gives the word in color where w is a terminal that wants it.
func paint(w io.Writer, s gate.Severity) string {
	const red, yellow, green, reset = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m"
	if !colored(w) {
		return string(s)
	}
	color := green
	switch s {
	case gate.Fault:
		color = red
	case gate.Warning:
		color = yellow
	case gate.OK:
	}
	return color + fmt.Sprintf("%-8s", string(s)) + reset
}
