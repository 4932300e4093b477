package token

import "errors"

var (
	// ErrCAExists means that there is a signing CA already, which is never overwritten.
	ErrCAExists = errors.New("signing CA exists already")
	// ErrInvalidCA means that a certificate or key cannot serve as the signing CA; the text says why.
	ErrInvalidCA = errors.New("invalid signing CA")
	// ErrInvalidOptions means that a constructor was given options that make no sense.
	ErrInvalidOptions = errors.New("invalid options")
	// ErrInvalidClaims means that a token with these claims must not be made.
	ErrInvalidClaims = errors.New("invalid claims")
	// ErrUnknownAlgorithm means that the key set has no key for an algorithm.
	ErrUnknownAlgorithm = errors.New("no key for algorithm")
	// ErrExpiringKey means that no certificate lives long enough to outlast the token.
	ErrExpiringKey = errors.New("signing certificate ends before the token would")
)
