package token

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leaf is a signing key with its short-lived certificate. It is immutable.
type leaf struct {
	key     crypto.Signer
	method  jwt.SigningMethod
	cert    *x509.Certificate
	renewAt time.Time
	// last is true where the certificate ends with its CA, so that another one would not live longer.
	last bool
	// header is the encoded first part of every token that it signs, with the dot.
	header string
}

// newLeaf makes a key for an algorithm and a certificate for it, which lives as asked or as long as the CA,
// and is renewed when a third of its life remains.
func newLeaf(ca *CA, algorithm string, now time.Time, lifetime time.Duration) (*leaf, error) {
	key, method, err := newKey(algorithm)
	if err != nil {
		return nil, err
	}
	cert, err := ca.issue(key.Public(), now, lifetime)
	if err != nil {
		return nil, err
	}
	header, err := encodeHeader(algorithm, "", []*x509.Certificate{cert})
	if err != nil {
		return nil, err
	}
	return &leaf{
		key:     key,
		method:  method,
		cert:    cert,
		renewAt: now.Add(lifetime * 2 / 3),
		last:    cert.NotAfter.Equal(ca.cert.NotAfter),
		header:  header,
	}, nil
}

// outlasts reports whether a registry still believes the certificate when a token ends, its leeway included.
func (l *leaf) outlasts(expiry time.Time) bool { return l.cert.NotAfter.After(expiry.Add(leeway)) }

// premature reports whether the certificate is not valid yet: it was made while the clock was ahead.
func (l *leaf) premature(now time.Time) bool { return now.Before(l.cert.NotBefore) }

// issue makes a certificate that may sign data and names no host.
func (c *CA) issue(public crypto.PublicKey, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := newSerial(rand.Reader)
	if err != nil {
		return nil, err
	}
	end := now.Add(lifetime).UTC()
	if end.After(c.cert.NotAfter) {
		end = c.cert.NotAfter
	}
	if !end.After(now) {
		return nil, fmt.Errorf("%w: it ended on %s", ErrInvalidCA, c.cert.NotAfter.Format(time.DateOnly))
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber:       serial,
		Subject:            pkix.Name{CommonName: "Wharfgate token signing"},
		NotBefore:          now.Add(-backdate).UTC(),
		NotAfter:           end,
		KeyUsage:           x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage: purposes(),
	}, c.cert, public, c.key)
	if err != nil {
		return nil, fmt.Errorf("make a signing certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read a signing certificate: %w", err)
	}
	return cert, nil
}

// encodeHeader is the JOSE header, with the dot that follows it: with the certificates in x5c (RFC 7515 section 4.1.6)
// or with a key id, never both. Registries look at x5c first, and one that knows keys by their id refuses a chain that
// it does not know.
func encodeHeader(algorithm, id string, chain []*x509.Certificate) (string, error) {
	h := struct {
		Type      string   `json:"typ"`
		Algorithm string   `json:"alg"`
		ID        string   `json:"kid,omitempty"`
		Chain     []string `json:"x5c,omitempty"`
	}{Type: "JWT", Algorithm: algorithm, ID: id}
	for _, cert := range chain {
		h.Chain = append(h.Chain, base64.StdEncoding.EncodeToString(cert.Raw))
	}
	header, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("encode the token header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(header) + ".", nil
}
