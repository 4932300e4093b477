package gate

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// Desk answers questions about accounts with the parts of a gate, but serves nobody: the commands login and
// explain. Close it when done.
type Desk struct {
	directory *directoryParts
	authority *authority.Authority
	live      *policy.Live
	stop      context.CancelFunc
	done      chan struct{}
}

// OpenDesk builds the directory and loads the policy of a valid configuration.
func OpenDesk(ctx context.Context, cfg config.Config, log *slog.Logger) (*Desk, error) {
	cfg.Directories = slices.Clone(cfg.Directories)
	cfg.Directories[0].BindConnections.Min = 0 // one question needs no warm connections
	d, err := newDirectory(cfg, log, directoryObservers{})
	if err != nil {
		return nil, err
	}
	live, _, err := newPolicy(ctx, cfg, d, policyfile.Observer{})
	if err != nil {
		d.close(ctx)
		return nil, err
	}
	a, err := authority.New(authority.Options{
		Services: services(cfg), Authenticator: d.authenticator, Resolver: d.authenticator, Policy: live, Issuer: noSigner{},
	})
	if err != nil {
		d.close(ctx)
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	desk := &Desk{directory: d, authority: a, live: live, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(desk.done)
		_ = d.backend.Run(ctx)
	}()
	return desk, nil
}

// Close ends the connections to the directory.
func (d *Desk) Close() {
	d.stop()
	<-d.done
	d.directory.wait()
}

// Login proves a password as a token request would, with one bind, and reads the account.
func (d *Desk) Login(ctx context.Context, user string, password identity.Secret) (identity.Principal, error) {
	return d.directory.authenticator.Authenticate(ctx, identity.Credentials{Username: user, Password: password})
}

// Entry finds the entry that a login name belongs to.
func (d *Desk) Entry(ctx context.Context, user string) (directory.Entry, error) {
	return d.directory.cached.Find(ctx, user, directory.AnyAge)
}

// Rights lists what the policy says about a principal.
func (d *Desk) Rights(who identity.Principal) []policy.Right { return d.live.Load().Rights(who) }

// Explain says what the running gate would grant, and why; see [authority.Authority.Explain].
func (d *Desk) Explain(ctx context.Context, q authority.Question) (authority.Answer, error) {
	return d.authority.Explain(ctx, q)
}

// noSigner stands where no token is ever made.
type noSigner struct{}

// Sign always fails.
func (noSigner) Sign(token.Claims) (token.Signed, error) {
	return token.Signed{}, errors.New("no tokens are made here")
}
