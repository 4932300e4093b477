package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/control"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

// OperationRevokeTokens is the name of [Gate.RevokeTokens] at the control socket.
const OperationRevokeTokens = "revoke-tokens"

// byCommand is why tokens were revoked, in the file of the store.
const byCommand = "command"

// refreshing makes and redeems the refresh tokens of a core. Its zero value has none.
type refreshing struct {
	store  *refresh.Store
	tokens *refresh.Tokens
}

// newRefreshing opens the store and builds what uses it, where a registry takes refresh tokens.
func newRefreshing(cfg config.Config, all *directories, o refresh.Observer) (*refreshing, error) {
	if len(refreshServices(cfg)) == 0 || all == nil {
		return &refreshing{}, nil
	}
	store, err := refresh.Open(refresh.StoreOptions{Folder: cfg.StateDir, Observer: o})
	if err != nil {
		return nil, err
	}
	options := refresh.Options{Store: store, Resolver: all.realms, Services: make(map[string]refresh.Service), Observer: o}
	for _, r := range cfg.Registries {
		if r.RefreshTokens.Enabled {
			options.Services[r.Service] = refresh.Service{Lifetime: r.RefreshTokens.Lifetime, Idle: r.RefreshTokens.Idle}
		}
	}
	for _, d := range all.list {
		options.Sources = append(options.Sources, d.name)
	}
	tokens, err := refresh.New(options)
	if err != nil {
		return nil, err
	}
	return &refreshing{store, tokens}, nil
}

// refreshServices names the registries that take refresh tokens.
func refreshServices(cfg config.Config) []string {
	var names []string
	for _, r := range cfg.Registries {
		if r.RefreshTokens.Enabled {
			names = append(names, r.Service)
		}
	}
	return names
}

// refresher gives what the authority asks; nil is nobody.
func (r *refreshing) refresher() authority.Refresher {
	if r.tokens == nil {
		return nil
	}
	return r.tokens
}

// run follows the store until ctx ends.
func (r *refreshing) run(ctx context.Context) error {
	if r.store == nil {
		return nil
	}
	return r.store.Run(ctx)
}

// refreshObserver counts what becomes of refresh tokens, and logs where somebody must look.
func (i *instruments) refreshObserver() refresh.Observer {
	o := i.metrics.RefreshObserver()
	ended, failed := o.Ended, o.Failed
	o.Ended = func(source string, why identity.Reason) {
		ended(source, why)
		i.log.Info("refresh tokens of an account ended", "directory", source, "reason", string(why))
	}
	o.Failed = func(err error) {
		failed(err)
		i.log.Error("store of refresh tokens not read or written", "error", err)
	}
	return o
}

// RevokeRequest says which refresh tokens a gate is to revoke.
type RevokeRequest struct {
	// User is a login name in any form, or "id:" and the directory's own id; empty means every account.
	User string `json:"user,omitempty"`
	// Directory is where it is looked for; empty is the directory that the name belongs to.
	Directory string `json:"directory,omitempty"`
	// All must be true for every account, and false with a User.
	All bool `json:"all,omitempty"`
	// Before is when the tokens were made; zero means until now.
	Before time.Time `json:"before,omitzero"`
}

// RevokeResult says which refresh tokens were revoked.
type RevokeResult struct {
	All       bool      `json:"all"`
	Directory string    `json:"directory,omitempty"`
	ID        string    `json:"id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Before    time.Time `json:"before"`
}

// RevokeTokens revokes refresh tokens. When it returns, that is in force and on the disk. Errors are
// [*control.RefusalError].
func (g *Gate) RevokeTokens(ctx context.Context, r RevokeRequest) (RevokeResult, error) {
	c := g.core.Load()
	store := c.refresh.store
	if store == nil { // none are taken now; those that are about must not come back
		var err error
		if store, err = refresh.Open(refresh.StoreOptions{Folder: c.cfg.StateDir}); err != nil {
			return RevokeResult{}, &control.RefusalError{Status: http.StatusInternalServerError, Text: err.Error()}
		}
	}
	result, err := revokeTokens(ctx, store, c.cfg, c.directories, r)
	if err != nil {
		return RevokeResult{}, err
	}
	who := "all"
	if !result.All {
		who = orElse(result.Name, directory.IDPrefix+result.ID) + "@" + result.Directory
	}
	g.o.Logger.Info("refresh tokens revoked", "account", who, "before", result.Before)
	return result, nil
}

// RevokeTokensOffline does what [Gate.RevokeTokens] does where no gate is running. Only for a login name it asks a
// directory.
func RevokeTokensOffline(ctx context.Context, cfg config.Config, log *slog.Logger, r RevokeRequest) (RevokeResult, error) {
	store, err := refresh.Open(refresh.StoreOptions{Folder: cfg.StateDir})
	if err != nil {
		return RevokeResult{}, err
	}
	if _, isID := cutID(r.User); r.All || isID {
		return revokeTokens(ctx, store, cfg, nil, r)
	}
	desk, err := OpenDesk(ctx, cfg, log)
	if err != nil {
		return RevokeResult{}, err
	}
	defer desk.Close()
	return revokeTokens(ctx, store, cfg, desk.directories, r)
}

// revokeTokens finds the account and revokes its tokens, or those of all.
func revokeTokens(ctx context.Context, store *refresh.Store, cfg config.Config, all *directories, r RevokeRequest) (RevokeResult, error) {
	result := RevokeResult{All: r.All, Before: r.Before}
	switch {
	case r.All == (r.User != ""):
		return RevokeResult{}, &control.RefusalError{Status: http.StatusBadRequest, Text: "name an account, or say all"}
	case r.All:
	default:
		var err error
		if result.Directory, result.ID, result.Name, err = whose(ctx, cfg, all, r); err != nil {
			return RevokeResult{}, refusalOf(err)
		}
	}
	if result.Before.IsZero() {
		result.Before = time.Now()
	}
	result.Before = result.Before.UTC()
	err := store.Revoke(refresh.Revocation{Directory: result.Directory, ID: result.ID, Before: r.Before, Why: byCommand})
	switch {
	case errors.Is(err, refresh.ErrFuture):
		return RevokeResult{}, &control.RefusalError{Status: http.StatusBadRequest, Text: "the time lies in the future"}
	case errors.Is(err, refresh.ErrInvalidOptions):
		return RevokeResult{}, &control.RefusalError{Status: http.StatusBadRequest, Text: err.Error()}
	case err != nil:
		return RevokeResult{}, &control.RefusalError{
			Status: http.StatusInternalServerError,
			Text:   fmt.Sprintf("the tokens are refused until this gate ends, but that is not on the disk: %v", err),
		}
	}
	return result, nil
}

// whose gives the account of a request. For an id no directory is asked: the account may be gone.
func whose(ctx context.Context, cfg config.Config, all *directories, r RevokeRequest) (source, id, name string, err error) {
	id, isID := cutID(r.User)
	if !isID {
		source, e, err := all.realms.Find(ctx, r.Directory, r.User)
		return source, e.ID, e.Name, err
	}
	if source = orElse(r.Directory, cfg.DefaultDirectoryName()); id == "" {
		err = &identity.AccountError{Reason: identity.ReasonBadName, Detail: "no id follows id:"}
	}
	return source, id, "", err
}
