package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Form is how a token says which key signed it. It is a closed set.
type Form string

// The forms. The zero Form is read as X5C.
const (
	// X5C carries the certificate of the key in the token (RFC 7515 section 4.1.6). Registries hold its CA.
	X5C Form = "x5c"
	// Libtrust names the key by the fingerprint of docker/libtrust: ABCD:EFGH:... of its DER form. Registries hold a
	// certificate of the key itself (distribution 2), or a JWKS with that id (distribution 3).
	Libtrust Form = "libtrust"
	// RFC7638 names the key by its JWK thumbprint. Registries hold a certificate of the key itself.
	RFC7638 Form = "rfc7638"
	// JWKS names the key by its JWK thumbprint, too. Registries hold a JWKS file.
	JWKS Form = "jwks"
)

// KeyID gives the key id (kid) of a public key in a form. X5C has none. A key that the form cannot name is an error
// that matches [ErrInvalidKey].
func KeyID(form Form, public crypto.PublicKey) (string, error) {
	switch form {
	case Libtrust:
		return libtrustID(public)
	case RFC7638, JWKS:
		return thumbprint(public)
	default:
		return "", fmt.Errorf("%w: the form %q has no key id", ErrInvalidKey, form)
	}
}

// libtrustID is the fingerprint of docker/libtrust: the first 240 bits of the SHA-256 of the DER form of the key, in
// base32, as twelve groups of four letters. libtrust knows RSA and ECDSA keys.
func libtrustID(public crypto.PublicKey) (string, error) {
	if _, ok := public.(ed25519.PublicKey); ok {
		return "", fmt.Errorf("%w: libtrust knows no Ed25519 keys", ErrInvalidKey)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	const bytes, group = 30, 4
	sum := sha256.Sum256(der)
	text := base32.StdEncoding.EncodeToString(sum[:bytes])
	groups := make([]string, 0, len(text)/group)
	for i := 0; i < len(text); i += group {
		groups = append(groups, text[i:i+group])
	}
	return strings.Join(groups, ":"), nil
}

// thumbprint is the SHA-256 thumbprint of a key's JWK (RFC 7638 section 3, RFC 8037 appendix A.3).
func thumbprint(public crypto.PublicKey) (string, error) {
	k, err := newJWK(public)
	if err != nil {
		return "", err
	}
	canonical, err := json.Marshal(k.required()) // a map, whose names come in order
	if err != nil {
		return "", fmt.Errorf("encode the key: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// jwk is a public key in JSON (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	ID        string `json:"kid,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// The types and curves of keys that tokens are signed with.
const (
	typeEC, typeRSA, typeOKP   = "EC", "RSA", "OKP"
	curveP256, curveEd25519    = "P-256", "Ed25519"
	useSignature               = "sig"
	p256Bytes, ed25519KeyBytes = 32, ed25519.PublicKeySize
)

// newJWK gives the JWK of a key, without its optional members.
func newJWK(public crypto.PublicKey) (jwk, error) {
	encode := base64.RawURLEncoding.EncodeToString
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return jwk{}, fmt.Errorf("%w: ECDSA keys must be on P-256, not on %s", ErrInvalidKey, key.Curve.Params().Name)
		}
		point, err := key.Bytes() // 4, X, Y (SEC 1 section 2.3.3)
		if err != nil {
			return jwk{}, fmt.Errorf("%w: %w", ErrInvalidKey, err)
		}
		return jwk{Type: typeEC, Curve: curveP256, X: encode(point[1 : 1+p256Bytes]), Y: encode(point[1+p256Bytes:])}, nil
	case *rsa.PublicKey:
		return jwk{Type: typeRSA, N: encode(key.N.Bytes()), E: encode(big.NewInt(int64(key.E)).Bytes())}, nil
	case ed25519.PublicKey:
		return jwk{Type: typeOKP, Curve: curveEd25519, X: encode(key)}, nil
	default:
		return jwk{}, fmt.Errorf("%w: keys of type %T sign no tokens", ErrInvalidKey, public)
	}
}

// required gives the members that identify a key, as RFC 7638 wants them.
func (k jwk) required() map[string]string {
	switch k.Type {
	case typeEC:
		return map[string]string{"crv": k.Curve, "kty": k.Type, "x": k.X, "y": k.Y}
	case typeRSA:
		return map[string]string{"e": k.E, "kty": k.Type, "n": k.N}
	default:
		return map[string]string{"crv": k.Curve, "kty": k.Type, "x": k.X}
	}
}
