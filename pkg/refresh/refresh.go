package refresh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// MaxLifetime is how long a token lives at most.
	MaxLifetime = 365 * 24 * time.Hour
	// UndatedLifetime is how long one lives at most where the directory does not tell when the password changed.
	UndatedLifetime = 7 * 24 * time.Hour
	// DefaultLifetime is how long one lives where nothing else is said.
	DefaultLifetime = 30 * 24 * time.Hour
	// skew is how far the clocks of the processes that share a store may be apart.
	skew = time.Minute
	// idPrefix begins what a resolver takes for an id.
	idPrefix = "id:"
)

// errUnjudged means that nothing tells whether an account was disabled: no bind follows the use of a refresh token.
var errUnjudged = fmt.Errorf("%w: the service account may not read whether the account is disabled, and a refresh token is used without a bind", identity.ErrUnavailable)

// Service says how long the tokens of a service live.
type Service struct {
	// Lifetime is how long a token lives; zero means [DefaultLifetime]. A shorter one is in force for tokens that
	// were made before, too.
	Lifetime time.Duration
	// Idle is how long a token may be unused; zero means as long as it lives. It is kept by the hour.
	Idle time.Duration
}

// Options are what [New] needs.
type Options struct {
	// Store holds keys and revocations; it must be set.
	Store *Store
	// Resolver looks accounts up; it must be set. Ids begin with "id:" for it.
	Resolver identity.Resolver
	// Services are those that take refresh tokens, by name.
	Services map[string]Service
	// Sources are the directories that there are: an account of any other is refused, and its tokens live on.
	Sources []string
	// Observer is told what happens.
	Observer Observer
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Tokens makes and redeems refresh tokens. It is immutable and safe for concurrent use. Make one with [New].
type Tokens struct {
	store    *Store
	resolver identity.Resolver
	services map[string]Service
	sources  []string
	observer Observer
	now      func() time.Time
}

// New makes Tokens. Errors match [ErrInvalidOptions].
func New(o Options) (*Tokens, error) {
	if o.Store == nil || o.Resolver == nil {
		return nil, fmt.Errorf("%w: no store or no resolver", ErrInvalidOptions)
	}
	services := make(map[string]Service, len(o.Services))
	for name, s := range o.Services {
		if s.Lifetime == 0 {
			s.Lifetime = DefaultLifetime
		}
		if s.Lifetime < 0 || s.Lifetime > MaxLifetime || s.Idle < 0 {
			return nil, fmt.Errorf("%w: refresh tokens for %q live %v", ErrInvalidOptions, name, s.Lifetime)
		}
		services[name] = s
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Tokens{
		store: o.Store, resolver: o.Resolver, services: services, sources: o.Sources, observer: o.Observer, now: o.Now,
	}, nil
}

// Issue makes a token for an account that has just been proven, with the id that logs may show. A service that takes
// none, and a principal that is no person, or whose proof is not of today's directory, get the empty token and no
// error.
//
// The account is looked up by its id, as each use will do: what cannot be used is not given. Errors are those of
// [identity.Resolver].
func (t *Tokens) Issue(ctx context.Context, service string, who identity.Principal) (token identity.Secret, name string, err error) {
	limits, ok := t.services[service]
	if !ok || who.Kind != identity.Person || who.ID == "" || who.Stale {
		return identity.Secret{}, "", nil
	}
	now := t.now()
	again, err := t.resolver.Resolve(ctx, who.Source, idPrefix+who.ID)
	if err != nil {
		return identity.Secret{}, "", fmt.Errorf("look the account up for a refresh token: %w", err)
	}
	if again.Unjudged {
		return identity.Secret{}, "", errUnjudged
	}
	c := content{
		changed: later(who.PasswordChanged, again.PasswordChanged),
		service: service, account: account{who.Source, who.ID},
	}
	c.issued = t.store.dated(c.account, now)
	life := limits.Lifetime
	if c.changed.IsZero() {
		life = min(life, UndatedLifetime)
	}
	c.expires = now.Add(life)
	if _, err := io.ReadFull(t.store.random, c.id[:]); err != nil {
		return identity.Secret{}, "", fmt.Errorf("make a refresh token: %w", err)
	}
	if token, err = t.store.seal(&c); err != nil {
		return identity.Secret{}, "", err
	}
	t.observer.issued(service)
	return token, c.id.String(), nil
}

// Redeem returns the account that a token stands for at a service, as the directory has it now, and the id that logs
// may show. It never binds.
//
// Errors are those of [identity.Resolver], and an [*identity.AccountError] with one of [identity.RefreshReasons].
func (t *Tokens) Redeem(ctx context.Context, service string, token identity.Secret) (who identity.Principal, name string, err error) {
	c, err := t.read(service, token)
	if err == nil {
		name = c.id.String()
		who, err = t.look(ctx, &c)
	}
	t.observer.used(service, result(err))
	if err != nil {
		return identity.Principal{}, name, err
	}
	if t.services[service].Idle > 0 {
		t.store.uses.note(c.id, t.now())
	}
	return who, name, nil
}

// read proves a token, and that it has not ended.
func (t *Tokens) read(service string, token identity.Secret) (content, error) {
	limits, ok := t.services[service]
	if !ok {
		return content{}, &identity.AccountError{Reason: identity.ReasonRefreshOff, Detail: "the service takes no refresh tokens"}
	}
	c, reason := t.store.open(token)
	if reason != "" {
		return content{}, &identity.AccountError{Reason: reason}
	}
	now, idle := t.now(), limits.Idle
	switch end := c.issued.Add(limits.Lifetime); {
	case c.service != service:
		reason = identity.ReasonRefreshOtherService
	case c.issued.Sub(later(now, t.store.revokedUntil(c.account))) > skew:
		reason = identity.ReasonRefreshFuture
	case !now.Before(c.expires), !now.Before(end):
		reason = identity.ReasonRefreshExpired
	case t.store.revoked(c.account, c.issued):
		reason = identity.ReasonRefreshRevoked
	case idle > 0 && now.Sub(t.store.uses.last(c.id, c.issued)) > idle:
		reason = identity.ReasonRefreshIdle
	default:
		return c, nil
	}
	return c, c.refused(reason)
}

// look finds the account of a token as it is now.
func (t *Tokens) look(ctx context.Context, c *content) (identity.Principal, error) {
	if !slices.Contains(t.sources, c.account.directory) {
		refusal := c.refused(identity.ReasonNotFound)
		refusal.Detail = "unknown directory; " + refusal.Detail
		return identity.Principal{}, refusal
	}
	who, err := t.resolver.Resolve(ctx, c.account.directory, idPrefix+c.account.id)
	if err != nil {
		if refusal, ok := errors.AsType[*identity.AccountError](err); ok && slices.Contains(Ending(), refusal.Reason) {
			t.store.end(c, refusal.Reason)
		}
		return identity.Principal{}, err
	}
	switch {
	case who.ID != c.account.id || who.Source != c.account.directory:
		return identity.Principal{}, fmt.Errorf("%w: another account than that of the refresh token", identity.ErrUnavailable)
	case who.Unjudged:
		return identity.Principal{}, errUnjudged
	}
	// A memory may still have the time before the last change. One that is gone altogether tells nothing any more.
	if who.PasswordChanged.After(c.changed) || who.PasswordChanged.IsZero() && !c.changed.IsZero() {
		refusal := c.refused(identity.ReasonRefreshPasswordChanged)
		refusal.Name = who.Name
		return identity.Principal{}, refusal
	}
	return who, nil
}

// Ending lists the reasons for which an account has lost its tokens for good. What passes by itself, and what anybody
// can cause, only refuses.
func Ending() []identity.Reason {
	return []identity.Reason{
		identity.ReasonNotFound, identity.ReasonDisabled, identity.ReasonAccountExpired, identity.ReasonPasswordExpired,
		identity.ReasonMustChange,
	}
}

// refused is the refusal of a token that is one of ours.
func (c *content) refused(reason identity.Reason) *identity.AccountError {
	return &identity.AccountError{
		Reason: reason, Source: c.account.directory, ID: c.account.id,
		Detail: fmt.Sprintf("refresh token %s of id:%s@%s, made %s", c.id, c.account.id, c.account.directory, c.issued.UTC().Format(time.RFC3339)),
	}
}

// result gives the word for what came of a use.
func result(err error) string {
	refusal, refused := errors.AsType[*identity.AccountError](err)
	switch {
	case err == nil:
		return ResultOK
	case refused && slices.Contains(identity.RefreshReasons(), refusal.Reason):
		return string(refusal.Reason)
	case errors.Is(err, identity.ErrInvalidCredentials):
		return ResultAccount
	default:
		return ResultUnavailable
	}
}
