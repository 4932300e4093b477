package authority

import (
	"errors"
	"net/netip"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// ErrUnknownService means that the request names a registry that is not configured.
var ErrUnknownService = errors.New("unknown service")

// GrantType is the form in which a client asked. It is a closed set, used as a metric label.
type GrantType string

// The grant types.
const (
	GrantBasic     GrantType = "basic"
	GrantPassword  GrantType = "password"
	GrantAnonymous GrantType = "anonymous"
	// GrantRefresh is a refresh token, in a form or as the password of nobody.
	GrantRefresh GrantType = "refresh"
)

// GrantTypes lists every GrantType.
func GrantTypes() []GrantType {
	return []GrantType{GrantBasic, GrantPassword, GrantAnonymous, GrantRefresh}
}

// Request is one request for a token, parsed.
type Request struct {
	// ID is the request's id.
	ID string
	// Service names the registry.
	Service string
	// Grant is the form in which the client asked.
	Grant GrantType
	// Credentials are nil for an anonymous request, and for one with a refresh token.
	Credentials *identity.Credentials
	// RefreshToken is what the client has in the place of credentials; empty for none.
	RefreshToken identity.Secret
	// Offline is true if the client asks for a refresh token.
	Offline bool
	// Scopes are what is asked for, merged, one entry a resource.
	Scopes []registry.Scope
	// Client is the client's address, invalid if unknown.
	Client netip.Addr
	// UserAgent and ClientID describe the client's program, bounded, for the record only.
	UserAgent, ClientID string
}

// anonymous reports whether a request comes with nothing that says who asks.
func (r *Request) anonymous() bool { return r.Credentials == nil && r.RefreshToken.IsEmpty() }

// Grant is what a request led to.
type Grant struct {
	// Principal is who it was granted to.
	Principal identity.Principal
	// Token is the signed token.
	Token identity.Secret
	// TokenID is its jti.
	TokenID string
	// RefreshToken is the one that was asked for or that was used; empty for none. RefreshTokenID is what the record
	// names it by.
	RefreshToken   identity.Secret
	RefreshTokenID string
	// IssuedAt is when it was made, ExpiresIn how long it is valid from then.
	IssuedAt  time.Time
	ExpiresIn time.Duration
	// Granted are the scopes in the token, sorted, without empty ones.
	Granted []registry.Scope
	// Decisions has one entry a scope that was asked.
	Decisions []policy.Decision
	// PolicyRevision names the policy that decided.
	PolicyRevision string
}
