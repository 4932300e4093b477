package authority

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// ErrInvalidOptions means that [New] was given options that make no sense.
var ErrInvalidOptions = errors.New("invalid options")

// errNobody is a fault of an authenticator: it let somebody in and did not say whom.
var errNobody = errors.New("the authenticator proved nobody")

// The lives of tokens where a service names none.
const (
	// DefaultTokenLifetime is for tokens without push.
	DefaultTokenLifetime = 5 * time.Minute
	// DefaultPushTokenLifetime is for tokens with push.
	DefaultPushTokenLifetime = 30 * time.Minute
)

// A Signer makes tokens; [token.Issuer] is the one in use. It is safe for concurrent use.
type Signer interface {
	// Sign makes a token that says what the claims say.
	Sign(c token.Claims) (token.Signed, error)
}

// A Refresher makes and redeems refresh tokens; refresh.Tokens is the one in use. It is safe for concurrent use.
type Refresher interface {
	// Issue makes a token for an account that was just proven, with the id that the record names it by. Where the
	// service takes none, or the account is to have none, it is empty. Errors are those of [identity.Resolver].
	Issue(ctx context.Context, service string, who identity.Principal) (token identity.Secret, id string, err error)
	// Redeem returns the account that a token stands for, as it is now, and the token's id as far as it is known.
	// Errors are those of [identity.Authenticator]. It sends no password.
	Redeem(ctx context.Context, service string, token identity.Secret) (who identity.Principal, id string, err error)
}

// Options are what [New] needs.
type Options struct {
	// Services are the registries that tokens are made for: one at least, each name once.
	Services []registry.Service
	// Authenticator proves credentials; it must be set.
	Authenticator identity.Authenticator
	// Resolver reads accounts for [Authority.Explain]; nil makes that answer [identity.ErrUnavailable].
	Resolver identity.Resolver
	// Refresher makes and redeems refresh tokens; nil means that there are none.
	Refresher Refresher
	// Policy holds the policy in force; it must be set.
	Policy *policy.Live
	// Issuer signs; it must be set.
	Issuer Signer
	// Audit takes the record of each decision; nil keeps none. It must not block for long.
	Audit func(audit.Record)
	// DefaultDirectory is the source whose accounts are the subjects of tokens by their name alone; those of other
	// sources are name@source. Empty means that there is one source, and no name is qualified.
	DefaultDirectory string
	// Observer is told of decisions and tokens; its zero value tells nobody.
	Observer Observer
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Authority grants tokens. It is immutable and safe for concurrent use.
type Authority struct {
	services      map[string]registry.Service
	authenticator identity.Authenticator
	resolver      identity.Resolver
	refresher     Refresher
	policy        *policy.Live
	issuer        Signer
	audit         func(audit.Record)
	home          string
	observer      Observer
	now           func() time.Time
}

// New makes an Authority. Errors match [ErrInvalidOptions].
func New(o Options) (*Authority, error) {
	if o.Authenticator == nil || o.Policy == nil || o.Issuer == nil {
		return nil, fmt.Errorf("%w: authenticator, policy and issuer must be set", ErrInvalidOptions)
	}
	services, err := profiles(o.Services)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Authority{
		services:      services,
		authenticator: o.Authenticator,
		resolver:      o.Resolver,
		refresher:     o.Refresher,
		policy:        o.Policy,
		issuer:        o.Issuer,
		audit:         o.Audit,
		home:          o.DefaultDirectory,
		observer:      o.Observer,
		now:           o.Now,
	}, nil
}

// profiles brings services into the form in which they are looked up, with every default filled in.
func profiles(services []registry.Service) (map[string]registry.Service, error) {
	if len(services) == 0 {
		return nil, fmt.Errorf("%w: no service", ErrInvalidOptions)
	}
	all := make(map[string]registry.Service, len(services))
	for _, s := range services {
		if _, ok := all[s.Name]; ok || s.Name == "" {
			return nil, fmt.Errorf("%w: service %q has no name of its own", ErrInvalidOptions, s.Name)
		}
		if s.TokenLifetime == 0 {
			s.TokenLifetime = DefaultTokenLifetime
		}
		if s.PushTokenLifetime == 0 {
			s.PushTokenLifetime = max(DefaultPushTokenLifetime, s.TokenLifetime)
		}
		for _, life := range []time.Duration{s.TokenLifetime, s.PushTokenLifetime} {
			if life < token.MinLifetime || life%time.Second != 0 {
				return nil, fmt.Errorf("%w: tokens for %q must live whole seconds, %v at least, not %v", ErrInvalidOptions, s.Name, token.MinLifetime, life)
			}
		}
		all[s.Name] = s
	}
	return all, nil
}

// Grant answers a request with a token that says what of the asked the policy grants; that may be nothing.
// Credentials are always proven, also where everybody may do what is asked.
//
// Errors match [ErrUnknownService], [identity.ErrInvalidCredentials] (also for a request without credentials
// that is not to be served), [identity.ErrThrottled] or [identity.ErrUnavailable]; others are faults of ours.
func (a *Authority) Grant(ctx context.Context, r Request) (Grant, error) {
	service, ok := a.services[r.Service]
	if !ok {
		return Grant{}, ErrUnknownService
	}
	g, err := a.grant(ctx, &r, service)
	if err != nil {
		a.refused(&r, g.RefreshTokenID, err)
		return Grant{}, err
	}
	return g, nil
}

// grant is Grant for a known service. Beside an error it gives what the record says about it.
func (a *Authority) grant(ctx context.Context, r *Request, service registry.Service) (Grant, error) {
	who, used, err := a.prove(ctx, r)
	if err != nil {
		return Grant{RefreshTokenID: used}, err
	}
	p := a.policy.Load() // one policy for the whole request, as young as can be
	if r.anonymous() && (len(r.Scopes) == 0 || !p.ServesAnyone(service.Name)) {
		return Grant{}, identity.ErrInvalidCredentials
	}
	now := a.now()
	g := decide(p, who, r, service, now)
	g.RefreshToken, g.RefreshTokenID = r.RefreshToken, used
	if err := a.remain(ctx, r, &g); err != nil {
		return g, err
	}
	life := lifetime(&g, service, now)
	signed, err := a.issuer.Sign(a.claims(&g, service, life))
	if err != nil {
		return g, fmt.Errorf("sign the token: %w", err)
	}
	g.Token, g.TokenID = signed.Token, signed.ID
	g.IssuedAt, g.ExpiresIn = signed.IssuedAt, life
	a.observer.observe(service.Name, &g, signed.Size())
	a.granted(r, &g, signed)
	return g, nil
}

// prove finds out who asks; without credentials nobody is asked. A principal that is nobody was not proven.
func (a *Authority) prove(ctx context.Context, r *Request) (who identity.Principal, refreshID string, err error) {
	switch {
	case r.anonymous():
		return identity.Principal{}, "", nil
	case r.Credentials != nil:
		who, err = a.authenticator.Authenticate(ctx, *r.Credentials)
	case a.refresher == nil:
		err = &identity.AccountError{Reason: identity.ReasonRefreshOff}
	default:
		who, refreshID, err = a.refresher.Redeem(ctx, r.Service, r.RefreshToken)
	}
	if err != nil {
		return identity.Principal{}, refreshID, err
	}
	if who.Kind == identity.Anonymous || who.Name == "" {
		return identity.Principal{}, refreshID, errNobody
	}
	return who, refreshID, nil
}

// remain makes the refresh token that a request with a password asks for. Where it cannot be made, there is no grant
// either: a client that gets none stores the password.
func (a *Authority) remain(ctx context.Context, r *Request, g *Grant) error {
	if !r.Offline || r.Credentials == nil || a.refresher == nil {
		return nil
	}
	var err error
	g.RefreshToken, g.RefreshTokenID, err = a.refresher.Issue(ctx, r.Service, g.Principal)
	return err
}
