package gate

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// Desk answers questions about accounts with the parts of a gate, but serves nobody: the commands login and
// explain. Close it when done.
type Desk struct {
	directories *directories
	authority   *authority.Authority
	live        *policy.Live
	stop        context.CancelFunc
	running     sync.WaitGroup
}

// OpenDesk builds the directories and loads the policy of a valid configuration.
func OpenDesk(ctx context.Context, cfg config.Config, log *slog.Logger) (*Desk, error) {
	all, err := newDirectoriesOnce(cold(cfg), log)
	if err != nil {
		return nil, err
	}
	live, _, err := newPolicy(ctx, cfg, all, policyfile.Observer{})
	if err != nil {
		all.close(ctx)
		return nil, err
	}
	a, err := authority.New(authority.Options{
		Services: services(cfg), Authenticator: all.realms, Resolver: all.realms, Policy: live, Issuer: noSigner{},
	})
	if err != nil {
		all.close(ctx)
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	desk := &Desk{directories: all, authority: a, live: live, stop: cancel}
	for _, task := range all.tasks() {
		desk.running.Go(func() { _ = task(ctx) })
	}
	return desk, nil
}

// cold gives a configuration for one question, which needs no warm connections.
func cold(cfg config.Config) config.Config {
	cfg.Directories = slices.Clone(cfg.Directories)
	for i := range cfg.Directories {
		cfg.Directories[i].BindConnections.Min = 0
	}
	return cfg
}

// Close ends the connections to the directories.
func (d *Desk) Close() {
	d.stop()
	d.running.Wait()
	d.directories.wait()
}

// Login proves a password as a token request would, with one bind, and reads the account. An empty directory is the
// one that the name belongs to.
func (d *Desk) Login(ctx context.Context, directory, user string, password identity.Secret) (identity.Principal, error) {
	c := identity.Credentials{Username: user, Password: password}
	if directory == "" {
		return d.directories.realms.Authenticate(ctx, c)
	}
	parts, err := d.directories.named(directory)
	if err != nil {
		return identity.Principal{}, err
	}
	return parts.authenticator.Authenticate(ctx, c)
}

// Account reads an account as the directory has it now, without its password; it proves nothing. An empty directory is
// the one that the name belongs to.
func (d *Desk) Account(ctx context.Context, directory, user string) (identity.Principal, error) {
	return d.directories.realms.Resolve(ctx, directory, user)
}

// Entry finds the entry that a login name belongs to, and the directory that has it. An empty directory is the one
// that the name belongs to.
func (d *Desk) Entry(ctx context.Context, directory, user string) (string, directory.Entry, error) {
	return d.directories.realms.Find(ctx, directory, user)
}

// PasswordExpiry tells when the password of an entry of a directory ends, as far as that is told.
func (d *Desk) PasswordExpiry(ctx context.Context, directory string, e directory.Entry) ldap.PasswordExpiry {
	parts, err := d.directories.named(directory)
	if err != nil {
		return ldap.PasswordExpiry{}
	}
	return parts.backend.PasswordExpiry(ctx, e)
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
