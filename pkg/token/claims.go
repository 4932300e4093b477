package token

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// The signature algorithms that a service may choose (RFC 7518 section 3.1).
const (
	// ES256 is ECDSA on P-256 with SHA-256; the default.
	ES256 = "ES256"
	// RS256 is RSASSA-PKCS1-v1_5 with SHA-256, with a key of 2048 bits.
	RS256 = "RS256"
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
	// Algorithm is the signature algorithm; empty means ES256.
	Algorithm string
}

// Signed is a token that was made. Token is the secret itself.
type Signed struct {
	Token     identity.Secret
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time
}
