package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/control"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

type tokensCmd struct {
	Revoke tokensRevokeCmd `cmd:"" help:"End refresh tokens."`
}

// Help gives examples.
func (*tokensCmd) Help() string {
	return `Examples:

  wharfgate tokens revoke -c wharfgate.yaml alice
  wharfgate tokens revoke -c wharfgate.yaml --all`
}

type tokensRevokeCmd struct {
	configFlag

	User      string `arg:"" optional:"" help:"Login name, as one would type it into docker login, NAME@DIRECTORY as in the policy, or id: and the id in the directory."`
	All       bool   `help:"End those of every account, and replace the key that seals them."`
	Directory string `placeholder:"NAME" help:"Look in this directory; left out, in the one that the name belongs to."`
	Before    string `placeholder:"TIME" help:"Only those that were made until then, as 2026-01-31T08:00:00Z; left out, until now."`
	JSON      bool   `help:"Print JSON."`
}

// Help gives examples.
func (*tokensRevokeCmd) Help() string {
	return `Ends the refresh tokens of an account, or all of them: who has one is asked to log in again, with the password. It is in
force when the command returns, and stays so. A running gate is reached at control.sock in its state_dir; without
one the file there is written. For an id no directory is asked, so that the account may be gone. Exit code 0:
done; 1: no such account, or it could not be written.

  wharfgate tokens revoke -c wharfgate.yaml alice
  wharfgate tokens revoke -c wharfgate.yaml --directory partner id:6f0c2a50-0b0c-4b2b-9d3e-0e7d3c1f2a11
  wharfgate tokens revoke -c wharfgate.yaml --all
  wharfgate tokens revoke -c wharfgate.yaml --all --before 2026-01-31T08:00:00Z`
}

// Run asks the running gate, or writes where none is running.
func (c *tokensRevokeCmd) Run(ctx context.Context, s streams) error {
	if c.All == (c.User != "") {
		return &usageError{"name an account, or say --all"}
	}
	if c.All && c.Directory != "" {
		return &usageError{"--directory goes with an account"}
	}
	request := gate.RevokeRequest{All: c.All}
	if c.Before != "" {
		var err error
		if request.Before, err = time.Parse(time.RFC3339, c.Before); err != nil {
			return &usageError{"--before is not a time such as 2026-01-31T08:00:00Z"}
		}
	}
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
		return err
	}
	if request.Directory, request.User = c.Directory, c.User; c.Directory == "" {
		request.Directory, request.User = qualified(cfg, c.User)
	}
	var result gate.RevokeResult
	err = control.Client{Path: control.Path(cfg.StateDir)}.Call(ctx, gate.OperationRevokeTokens, request, &result)
	if errors.Is(err, control.ErrNotRunning) {
		result, err = gate.RevokeTokensOffline(ctx, cfg, slog.New(slog.DiscardHandler), request)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return writeIndentedJSON(s.out, result)
	}
	if err := printRevoked(s.out, result); err != nil {
		return err
	}
	if !slices.ContainsFunc(cfg.Registries, func(r config.Registry) bool { return r.RefreshTokens.Enabled }) {
		_, err = fmt.Fprintln(s.out, "note: no registry of the configuration gives refresh tokens (registries[].refresh_tokens)")
	}
	return err
}

// printRevoked shows what was revoked, for people.
func printRevoked(w io.Writer, r gate.RevokeResult) error {
	who := "every account"
	if !r.All {
		name := r.Name
		if name == "" {
			name = r.ID
		}
		who = visible(name) + " of " + r.Directory
	}
	_, err := fmt.Fprintf(w, "%s: refresh tokens made until %s have ended\n", who, r.Before.UTC().Format(time.RFC3339))
	return err
}
