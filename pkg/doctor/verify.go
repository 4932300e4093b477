package doctor

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// errKeyForm means that a registry cannot find the key of a token in the form in which the token names it, whatever the
// key.
var errKeyForm = errors.New("key form")

// trust is what a registry believes.
type trust struct {
	certificates []*x509.Certificate
	jwks         []token.PublicKey
}

// readTrust reads a bundle of certificates in PEM, or a JWK Set, or one behind the other.
func readTrust(data []byte) (trust, error) {
	var t trust
	rest := data
	for block, more := pem.Decode(rest); block != nil; block, more = pem.Decode(more) {
		rest = more
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return trust{}, errors.New("it holds a certificate that cannot be read")
		}
		t.certificates = append(t.certificates, cert)
	}
	var err error
	if rest = bytes.TrimSpace(rest); bytes.HasPrefix(rest, []byte("{")) {
		t.jwks, err = token.DecodeJWKS(rest)
	}
	if err == nil && len(t.certificates)+len(t.jwks) == 0 {
		err = errors.New("it holds neither certificates nor a JWK Set")
	}
	return t, err
}

// verify does what a registry does before it looks at the claims.
func (t trust) verify(i *issued, now time.Time, p registry.Profile) error {
	key, err := t.find(i, now, p)
	if err != nil {
		return err
	}
	return checkSignature(i, key)
}

// find finds the key of a token: by its certificate, by its id, or the only one.
func (t trust) find(i *issued, now time.Time, p registry.Profile) (crypto.PublicKey, error) {
	switch {
	case p.OwnKey && len(t.certificates) == 1: // looks at no header
		return t.certificates[0].PublicKey, nil
	case len(i.header.Certificates) > 0:
		return t.chain(i, now)
	case i.header.KeyID != "":
		return t.named(i.header.KeyID)
	default:
		return nil, fmt.Errorf("%w: the token names no key", errKeyForm)
	}
}

// chain verifies the certificate that a token carries.
func (t trust) chain(i *issued, now time.Time) (crypto.PublicKey, error) {
	if len(t.certificates) == 0 {
		return nil, fmt.Errorf("%w: the token carries its certificate (x5c), and there is only a JWK Set", errKeyForm)
	}
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range t.certificates {
		o.Roots.AddCert(c)
	}
	var leaf *x509.Certificate
	for n, der := range i.header.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errors.New("the certificate in the token cannot be read")
		}
		if n == 0 {
			leaf = c
		} else {
			o.Intermediates.AddCert(c)
		}
	}
	if _, err := leaf.Verify(o); err != nil {
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
			return nil, fmt.Errorf("the signing CA %q is not in it", leaf.Issuer)
		}
		return nil, fmt.Errorf("the certificate in the token: %w", err)
	}
	return leaf.PublicKey, nil
}

// named finds a key by its id: that of a JWK Set, or one that registries work out for the certificates.
func (t trust) named(id string) (crypto.PublicKey, error) {
	for _, k := range t.jwks {
		if k.ID == id {
			return k.Key, nil
		}
	}
	for _, c := range t.certificates {
		for _, form := range []token.Form{token.Libtrust, token.RFC7638} {
			if own, err := token.KeyID(form, c.PublicKey); err == nil && own == id {
				return c.PublicKey, nil
			}
		}
	}
	return nil, fmt.Errorf("the key %q is not in it", id)
}

// checkSignature verifies a signature (RFC 7518 sections 3.3 and 3.4, RFC 8037 section 3.1).
func checkSignature(i *issued, key crypto.PublicKey) error {
	digest := sha256.Sum256(i.signed)
	good := false
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		const half = 32
		good = i.header.Algorithm == token.ES256 && len(i.signature) == 2*half &&
			ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(i.signature[:half]), new(big.Int).SetBytes(i.signature[half:]))
	case *rsa.PublicKey:
		good = i.header.Algorithm == token.RS256 && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], i.signature) == nil
	case ed25519.PublicKey:
		good = i.header.Algorithm == token.EdDSA && ed25519.Verify(key, i.signed, i.signature)
	}
	if !good {
		return errors.New("its signature is not that of the key that it names")
	}
	return nil
}
