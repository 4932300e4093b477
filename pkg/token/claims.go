package token

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Claims is what one token says. Issuer and times are added by the [Issuer].
type Claims struct {
	// ID becomes jti and must be unique; empty lets the Issuer make one.
	ID string
	// Subject becomes sub: the canonical user name, empty for anonymous.
	Subject string
	// Audience becomes aud: the registry's service name, always a single string.
	Audience string
	// Access becomes the access claim; nil is written as an empty list.
	Access []registry.Access
	// Lifetime is how long the token is valid from now, in whole seconds; at least a minute.
	Lifetime time.Duration
	// Algorithm is the signature algorithm of a certificate under the CA; empty means ES256. A ring has its own.
	Algorithm string
	// Ring is the name of the ring whose active key signs; empty means a certificate under the CA.
	Ring string
	// Form is how the token names a ring's key; without a ring it is always X5C.
	Form Form
}

// Signed is a token that was made. Token is the secret itself.
type Signed struct {
	Token     identity.Secret
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time
}
