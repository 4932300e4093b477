package main

import (
	"context"
	"fmt"
	"io"

	"github.com/wharfgate/wharfgate/pkg/control"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

type forgetCmd struct {
	configFlag

	User      string `arg:"" help:"Login name, as one would type it into docker login, NAME@DIRECTORY as in the policy, or id: and the id in the directory."`
	Directory string `placeholder:"NAME" help:"Look in this directory; left out, in the one that the name belongs to."`
	JSON      bool   `help:"Print JSON."`
}

// Help gives examples.
func (*forgetCmd) Help() string {
	return `Makes the running gate forget what it remembers of one account: passwords that were wrong, failed binds, the
password that was right, entry and groups. The next login is worked on as if it were the first. The gate is reached at
control.sock in its state_dir; only its own user and root may. Exit code 0: done; 1: no such account, or no gate.

  wharfgate forget -c wharfgate.yaml alice
  wharfgate forget -c wharfgate.yaml 'CORP\alice'
  wharfgate forget -c wharfgate.yaml --directory partner --json alice
  wharfgate forget -c wharfgate.yaml id:6f0c2a50-0b0c-4b2b-9d3e-0e7d3c1f2a11`
}

// Run asks the running gate.
func (c *forgetCmd) Run(ctx context.Context, s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
		return err
	}
	if c.Directory == "" {
		c.Directory, c.User = qualified(cfg, c.User)
	}
	var result gate.ForgetResult
	client := control.Client{Path: control.Path(cfg.StateDir)}
	if err := client.Call(ctx, gate.OperationForget, gate.ForgetRequest{User: c.User, Directory: c.Directory}, &result); err != nil {
		return err
	}
	if c.JSON {
		return writeIndentedJSON(s.out, result)
	}
	return printForgotten(s.out, result)
}

// printForgotten shows what was forgotten, for people.
func printForgotten(w io.Writer, r gate.ForgetResult) error {
	name := r.Name
	if name == "" {
		name = r.ID
	}
	proven := "no password that was right"
	if r.Proven {
		proven = "the password that was right"
	}
	_, err := fmt.Fprintf(w, "%s of %s: forgot %s, %s, %s, entry and groups\n", visible(name), r.Directory,
		count(r.WrongPasswords, "wrong password"), count(r.FailedBinds, "failed bind"), proven)
	return err
}
