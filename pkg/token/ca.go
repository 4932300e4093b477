package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

const (
	// caLifetime is how long a new CA lives.
	caLifetime = 10 * 365 * 24 * time.Hour
	// backdate is how far before now certificates begin, for registries whose clock is behind.
	backdate = time.Hour
	// serialSize is the size of serial numbers in bytes (RFC 5280 section 4.1.2.2 allows 20).
	serialSize = 16
)

// CA is the authority whose certificate registries hold. It signs the short-lived certificates of a
// [KeySet] and nothing else. It is immutable and safe for concurrent use; its key cannot be read back.
type CA struct {
	cert        *x509.Certificate
	key         crypto.Signer
	authorities []*x509.Certificate
}

// Certificate is the certificate that matches the CA's key. It must not be changed.
func (c *CA) Certificate() *x509.Certificate { return c.cert }

// Bundle is what a registry needs in its rootcertbundle: the PEM of the CA and of all other CAs in the
// certificate file, such as the next one.
func (c *CA) Bundle() []byte { return encodeCertificates(c.authorities...) }

// Authorities are the certificates of the bundle. They must not be changed.
func (c *CA) Authorities() []*x509.Certificate { return slices.Clone(c.authorities) }

// newCA makes a self-signed authority that begins a little before now. Its serial number is read from rand.
func newCA(now time.Time, rand io.Reader) (*CA, error) {
	key, err := newECKey(rand)
	if err != nil {
		return nil, fmt.Errorf("make the key of the signing CA: %w", err)
	}
	serial, err := newSerial(rand)
	if err != nil {
		return nil, err
	}
	template := caTemplate(serial, now)
	der, err := x509.CreateCertificate(rand, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the signing CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the signing CA: %w", err)
	}
	return &CA{cert: cert, key: key, authorities: []*x509.Certificate{cert}}, nil
}

// caTemplate says what the authority may do: certificate signing for one purpose, one level deep, for
// names that no host can have.
func caTemplate(serial *big.Int, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:                serial,
		Subject:                     pkix.Name{CommonName: fmt.Sprintf("Wharfgate token signing CA %.8x", serial.Bytes())},
		NotBefore:                   now.Add(-backdate).UTC(),
		NotAfter:                    now.Add(caLifetime).UTC(),
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign,
		UnknownExtKeyUsage:          purposes(),
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{reservedDomain},
		PermittedEmailAddresses:     []string{reservedDomain},
		PermittedURIDomains:         []string{reservedDomain},
		ExcludedIPRanges:            allAddresses(),
	}
}

// newSerial draws a positive serial number.
func newSerial(rand io.Reader) (*big.Int, error) {
	b := make([]byte, serialSize)
	if _, err := io.ReadFull(rand, b); err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), nil
}

// newECKey makes a P-256 key whose coordinates are both of full width: some registries drop leading zero
// bytes when they work out the key's id.
func newECKey(rand io.Reader) (*ecdsa.PrivateKey, error) {
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand)
		if err != nil {
			return nil, err
		}
		if wide, err := hasWideCoordinates(&key.PublicKey); err != nil || wide {
			return key, err
		}
	}
}

// hasWideCoordinates reports whether neither coordinate begins with a zero byte.
func hasWideCoordinates(key *ecdsa.PublicKey) (bool, error) {
	point, err := key.Bytes() // 4, X, Y (SEC 1 section 2.3.3)
	if err != nil {
		return false, fmt.Errorf("encode the public key: %w", err)
	}
	return point[1] != 0 && point[1+len(point)/2] != 0, nil
}

// checkKey refuses keys that the oldest supported registry cannot read from its bundle.
func checkKey(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P224() {
			return fmt.Errorf("%w: the curve of its key is too small (P-256 is wanted)", ErrInvalidCA)
		}
		return nil
	case *rsa.PublicKey:
		if k.N.BitLen() < rsaBits {
			return fmt.Errorf("%w: its RSA key has %d bits (at least %d are wanted)", ErrInvalidCA, k.N.BitLen(), rsaBits)
		}
		return nil
	default:
		return fmt.Errorf("%w: keys of type %T are not known to every registry (ECDSA P-256 is wanted)", ErrInvalidCA, public)
	}
}

// encodeCertificates writes certificates as PEM, one after the other.
func encodeCertificates(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, cert := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: cert.Raw}))
	}
	return b.Bytes()
}
