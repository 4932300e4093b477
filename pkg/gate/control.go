package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/wharfgate/wharfgate/pkg/control"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// OperationForget is the name of [Gate.Forget] at the control socket.
const OperationForget = "forget"

// ForgetRequest names the account that a gate is to forget.
type ForgetRequest struct {
	// User is a login name in any form, or "id:" and the directory's own id.
	User string `json:"user"`
	// Directory is where it is looked for; empty is the directory that the name belongs to.
	Directory string `json:"directory,omitempty"`
}

// ForgetResult says what was forgotten.
type ForgetResult struct {
	Directory      string `json:"directory"`
	ID             string `json:"id"`
	Name           string `json:"name,omitempty"`
	WrongPasswords int    `json:"wrong_passwords"`
	FailedBinds    int    `json:"failed_binds"`
	Proven         bool   `json:"proven"`
}

// Forget drops everything that is remembered of one account: wrong passwords, failed binds, the password that was
// right, entry and groups. Errors are [*control.RefusalError].
func (g *Gate) Forget(ctx context.Context, r ForgetRequest) (ForgetResult, error) {
	f, err := g.core.Load().directories.realms.Forget(ctx, r.Directory, r.User)
	if err != nil {
		return ForgetResult{}, refusalOf(err)
	}
	g.o.Logger.Info("account forgotten", "account", orElse(f.Name, directory.IDPrefix+f.ID)+"@"+f.Source,
		"wrong_passwords", f.WrongPasswords, "failed_binds", f.FailedBinds, "proven", f.Proven)
	return ForgetResult{
		Directory: f.Source, ID: f.ID, Name: f.Name,
		WrongPasswords: f.WrongPasswords, FailedBinds: f.FailedBinds, Proven: f.Proven,
	}, nil
}

// refusalOf tells whoever asked at the control socket why there is no account.
func refusalOf(err error) *control.RefusalError {
	if account, ok := errors.AsType[*identity.AccountError](err); ok {
		text := "no account of this name"
		switch {
		case account.Detail != "":
			text += ": " + account.Detail
		case account.Reason != identity.ReasonNotFound:
			text += ": " + string(account.Reason)
		}
		return &control.RefusalError{Status: http.StatusNotFound, Text: text}
	}
	return &control.RefusalError{
		Status: http.StatusServiceUnavailable,
		Text:   fmt.Sprintf("the directory cannot be asked for the name (%v); name the account by id:ID, as the audit record does", err),
	}
}

// serveControl opens the control socket, and gives the func that ends it. A gate without one goes on: it is for
// operators, and nobody who logs in needs it.
func (g *Gate) serveControl(ctx context.Context) (stop func() error) {
	blind := func(err error) { g.o.Logger.Error("no control socket, commands cannot reach this gate", "error", err) }
	s, err := g.openControl(ctx)
	if err != nil {
		blind(err)
		return func() error { return nil }
	}
	return background(ctx, s.Serve, blind)
}

// openControl opens the control socket.
func (g *Gate) openControl(ctx context.Context) (*control.Server, error) {
	const ownerOnly = 0o700
	dir := g.core.Load().cfg.StateDir
	if err := os.MkdirAll(dir, ownerOnly); err != nil {
		return nil, err
	}
	s, err := control.New(control.Options{
		Path: control.Path(dir), Logger: g.o.Logger,
		Operations: map[string]http.Handler{
			OperationForget:       control.Operation(g.Forget),
			OperationRevokeTokens: control.Operation(g.RevokeTokens),
		},
	})
	if err != nil {
		return nil, err
	}
	return s, s.Listen(ctx)
}
