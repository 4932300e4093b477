package token

import "errors"

var (
	// ErrCAExists means that there is a signing CA already, which is never overwritten.
	ErrCAExists = errors.New("signing CA exists already")
	// ErrInvalidCA means that a certificate or key cannot serve as the signing CA; the text says why.
	ErrInvalidCA = errors.New("invalid signing CA")
	// ErrInvalidKey means that a key, or a file of keys, cannot serve for signing tokens; the text says why.
	ErrInvalidKey = errors.New("invalid signing key")
	// ErrRingExists means that there is such a ring already, which is never overwritten.
	ErrRingExists = errors.New("signing keys exist already")
	// ErrTooEarly means that a key was not published for long enough to sign.
	ErrTooEarly = errors.New("published too short a time ago")
	// ErrUnknownRing means that no ring has such a name.
	ErrUnknownRing = errors.New("no such signing keys")
	// ErrInvalidOptions means that a constructor was given options that make no sense.
	ErrInvalidOptions = errors.New("invalid options")
	// ErrInvalidClaims means that a token with these claims must not be made.
	ErrInvalidClaims = errors.New("invalid claims")
	// ErrUnknownAlgorithm means that the key set has no key for an algorithm.
	ErrUnknownAlgorithm = errors.New("no key for algorithm")
	// ErrExpiringKey means that no certificate lives long enough to outlast the token.
	ErrExpiringKey = errors.New("signing certificate ends before the token would")
)
