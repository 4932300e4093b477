package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
)

// PublicKey is a key that a registry trusts, with the id by which tokens name it.
type PublicKey struct {
	// ID is the key id (kid).
	ID string
	// Algorithm is the RFC 7518 name of what it signs with.
	Algorithm string
	// Key is the key itself.
	Key crypto.PublicKey
}

// EncodeJWKS writes a JWK Set (RFC 7517 section 5) with nothing but public halves.
func EncodeJWKS(keys []PublicKey) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		j, err := newJWK(k.Key)
		if err != nil {
			return nil, err
		}
		j.ID, j.Algorithm, j.Use = k.ID, k.Algorithm, useSignature
		set.Keys = append(set.Keys, j)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(set); err != nil {
		return nil, fmt.Errorf("encode the JWKS: %w", err)
	}
	return b.Bytes(), nil
}

// DecodeJWKS reads a JWK Set of keys that can verify tokens: each with a kid of its own, for signatures, of a type and
// size that registries read. Anything else in it, such as a symmetric key, a private key or an unknown curve, is an
// error that matches [ErrInvalidKey] and names the key.
func DecodeJWKS(data []byte) ([]PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&set); err != nil {
		return nil, fmt.Errorf("%w: the JWKS is not JSON: %w", ErrInvalidKey, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the JWKS", ErrInvalidKey)
	}
	if len(set.Keys) == 0 {
		return nil, fmt.Errorf("%w: the JWKS holds no keys", ErrInvalidKey)
	}
	seen := make(map[string]bool, len(set.Keys))
	all := make([]PublicKey, 0, len(set.Keys))
	for i, raw := range set.Keys {
		k, err := decodeJWK(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: keys[%d]: %w", ErrInvalidKey, i, err)
		}
		if seen[k.ID] {
			return nil, fmt.Errorf("%w: keys[%d]: the kid %q is another key's", ErrInvalidKey, i, k.ID)
		}
		seen[k.ID] = true
		all = append(all, k)
	}
	return all, nil
}

// decodeJWK reads one key.
func decodeJWK(raw []byte) (PublicKey, error) {
	var j struct {
		jwk
		Private   *string `json:"d"`
		Symmetric *string `json:"k"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return PublicKey{}, err
	}
	switch {
	case j.Private != nil:
		return PublicKey{}, errors.New("it is a private key, which belongs to nobody but the gate")
	case j.Symmetric != nil || j.Type == "oct":
		return PublicKey{}, errors.New("it is a symmetric key (kty oct); registries need RSA, EC or OKP")
	case j.ID == "":
		return PublicKey{}, errors.New("it has no kid")
	case j.Use != "" && j.Use != useSignature:
		return PublicKey{}, fmt.Errorf("it is for %q, not for signatures", j.Use)
	}
	public, algorithm, err := j.public()
	if err != nil {
		return PublicKey{}, err
	}
	if j.Algorithm != "" && j.Algorithm != algorithm {
		return PublicKey{}, fmt.Errorf("alg is %q, and a key of this type signs with %s", j.Algorithm, algorithm)
	}
	return PublicKey{ID: j.ID, Algorithm: algorithm, Key: public}, nil
}

// public gives the key of a JWK and the algorithm that it signs with.
func (k jwk) public() (crypto.PublicKey, string, error) {
	switch {
	case k.Type == typeEC && k.Curve == curveP256:
		key, err := k.point()
		return key, ES256, err
	case k.Type == typeRSA:
		key, err := k.modulus()
		return key, RS256, err
	case k.Type == typeOKP && k.Curve == curveEd25519:
		x, err := fixed("x", k.X, ed25519KeyBytes)
		return ed25519.PublicKey(x), EdDSA, err
	default:
		return nil, "", fmt.Errorf("the key type %q %q signs no tokens; registries need RSA, EC P-256 or OKP Ed25519", k.Type, k.Curve)
	}
}

// point reads a key on P-256.
func (k jwk) point() (*ecdsa.PublicKey, error) {
	x, errX := fixed("x", k.X, p256Bytes)
	y, errY := fixed("y", k.Y, p256Bytes)
	if err := errors.Join(errX, errY); err != nil {
		return nil, err
	}
	const uncompressed = 4
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{uncompressed}, x...), y...))
}

// modulus reads an RSA key.
func (k jwk) modulus() (*rsa.PublicKey, error) {
	n, errN := base64.RawURLEncoding.DecodeString(k.N)
	e, errE := base64.RawURLEncoding.DecodeString(k.E)
	if err := errors.Join(errN, errE); err != nil {
		return nil, err
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	switch {
	case modulus.BitLen() < rsaBits || modulus.BitLen() > maxRSABits:
		return nil, fmt.Errorf("an RSA key of %d bits (%d to %d are wanted)", modulus.BitLen(), rsaBits, maxRSABits)
	case !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > math.MaxInt32:
		return nil, errors.New("an RSA key with an unusable exponent")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

// fixed reads a number that has as many bytes as it must.
func fixed(name, text string, size int) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) != size {
		return nil, fmt.Errorf("%s has %d bytes, not %d", name, len(b), size)
	}
	return b, nil
}
