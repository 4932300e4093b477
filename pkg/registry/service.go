package registry

import "time"

// Kind is the registry software behind a service, as configured.
type Kind string

// The kinds. The zero Kind is read as Distribution.
const (
	// Distribution is CNCF distribution, both generations.
	Distribution Kind = "distribution"
	// Distribution2 is distribution 2.7 and 2.8.
	Distribution2 Kind = "distribution2"
	// Distribution30 is distribution 3.0 alone.
	Distribution30 Kind = "distribution3.0"
	// Distribution3 is distribution 3.1 and later.
	Distribution3 Kind = "distribution3"
	// Zot is zot.
	Zot Kind = "zot"
)

// Service is the profile of one registry: what tokens for it look like.
type Service struct {
	// Name is the audience: the registry's auth.token.service.
	Name string
	// Kind is the software.
	Kind Kind
	// Algorithm is the signature algorithm of its tokens, by its RFC 7518 name; empty means ES256.
	Algorithm string
	// KeyForm is how its tokens name their key: x5c, libtrust, rfc7638 or jwks; empty means x5c.
	KeyForm string
	// Ring names the keys that sign its tokens; empty means a certificate under the signing CA.
	Ring string
	// EmptyCatalog is that of its software's [Profile].
	EmptyCatalog bool
	// TokenLifetime is how long its tokens live, at least a minute; PushTokenLifetime the same for tokens
	// that grant push.
	TokenLifetime, PushTokenLifetime time.Duration
}
