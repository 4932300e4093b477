package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// The signature algorithms that a service may choose (RFC 7518 section 3.1, RFC 8037 section 3.1).
const (
	// ES256 is ECDSA on P-256 with SHA-256; the default.
	ES256 = "ES256"
	// RS256 is RSASSA-PKCS1-v1_5 with SHA-256, with a key of 2048 bits.
	RS256 = "RS256"
	// EdDSA is Ed25519. Distribution 2 does not know it.
	EdDSA = "EdDSA"
)

const (
	// rsaBits is the size of RSA keys: the smallest that is safe, because signing is slow.
	rsaBits = 2048
	// maxRSABits bounds the keys of others: beyond it, verifying a token takes a registry too long.
	maxRSABits = 8192
)

// newKey makes a key for an algorithm and names the method that signs with it.
func newKey(algorithm string) (crypto.Signer, jwt.SigningMethod, error) {
	method, err := methodOf(algorithm)
	if err != nil {
		return nil, nil, err
	}
	var key crypto.Signer
	switch algorithm {
	case ES256:
		key, err = newECKey(rand.Reader)
	case RS256:
		key, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make a signing key for %s: %w", algorithm, err)
	}
	return key, method, nil
}

// methodOf gives the method that signs by an algorithm.
func methodOf(algorithm string) (jwt.SigningMethod, error) {
	switch algorithm {
	case ES256:
		return jwt.SigningMethodES256, nil
	case RS256:
		return jwt.SigningMethodRS256, nil
	case EdDSA:
		return jwt.SigningMethodEdDSA, nil
	default:
		return nil, fmt.Errorf("%w: %q", ErrUnknownAlgorithm, algorithm)
	}
}

// algorithmOf names what a key signs with; other keys sign nothing.
func algorithmOf(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ES256
		}
	case *rsa.PublicKey:
		return RS256
	case ed25519.PublicKey:
		return EdDSA
	}
	return ""
}

// checkSigningKey refuses keys that registries cannot verify with, each for its reason.
func checkSigningKey(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return fmt.Errorf("%w: the key is on %s; registries need P-256 for ES256", ErrInvalidKey, k.Curve.Params().Name)
		}
		if wide, err := hasWideCoordinates(k); err != nil || !wide {
			return fmt.Errorf("%w: a coordinate of the key begins with a zero byte, for which some registries work out another key id; make another key", ErrInvalidKey)
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < rsaBits || bits > maxRSABits {
			return fmt.Errorf("%w: the RSA key has %d bits (%d to %d are wanted)", ErrInvalidKey, bits, rsaBits, maxRSABits)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("%w: keys of type %T sign no tokens (ECDSA P-256, RSA or Ed25519 is wanted)", ErrInvalidKey, public)
	}
	return nil
}
