package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// life is how long certificates live around now.
const life = time.Hour

// CA is a certificate authority that only one test believes.
type CA struct {
	// Cert is its certificate.
	Cert *x509.Certificate
	// CertFile is the PEM file of Cert.
	CertFile string

	key *ecdsa.PrivateKey
}

// Cert is a certificate with its key, in memory and as files.
type Cert struct {
	// TLS is what a tls.Config takes.
	TLS tls.Certificate
	// CertFile and KeyFile are PEM files, the key with mode 0600.
	CertFile, KeyFile string
}

// NewCA makes an ordinary authority, such as a company has for its servers.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Test CA " + tb.Name()},
		NotBefore:             time.Now().Add(-life),
		NotAfter:              time.Now().Add(life),
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key := newKey(tb)
	cert := sign(tb, template, template, key, key)
	return &CA{Cert: cert, CertFile: write(tb, tb.TempDir(), "ca.crt", "CERTIFICATE", cert.Raw), key: key}
}

// Pool holds the authority alone.
func (c *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.Cert)
	return pool
}

// Server makes a certificate for a server with these host names and addresses.
func (c *CA) Server(tb testing.TB, hosts ...string) Cert {
	tb.Helper()
	return c.Issue(tb, serverTemplate(hosts))
}

// Expired makes a server certificate whose life is over.
func (c *CA) Expired(tb testing.TB, hosts ...string) Cert {
	tb.Helper()
	template := serverTemplate(hosts)
	template.NotAfter = time.Now().Add(-life / 2)
	return c.Issue(tb, template)
}

// Client makes a certificate for a client of this name.
func (c *CA) Client(tb testing.TB, name string) Cert {
	tb.Helper()
	return c.Issue(tb, &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// Issue makes a certificate from a template. Without dates in it, it is valid for an hour around now.
func (c *CA) Issue(tb testing.TB, template *x509.Certificate) Cert {
	tb.Helper()
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-life)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(life)
	}
	key := newKey(tb)
	cert := sign(tb, template, c.Cert, key, c.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("encode the key: %v", err)
	}
	dir := tb.TempDir()
	return Cert{
		TLS:      tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert},
		CertFile: write(tb, dir, "tls.crt", "CERTIFICATE", cert.Raw),
		KeyFile:  write(tb, dir, "tls.key", "PRIVATE KEY", der),
	}
}

// serverTemplate sorts hosts into names and addresses.
func serverTemplate(hosts []string) *x509.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Test server"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	return template
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("make a key: %v", err)
	}
	return key
}

func sign(tb testing.TB, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		tb.Fatalf("draw a serial number: %v", err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		tb.Fatalf("make a certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatalf("read the certificate: %v", err)
	}
	return cert
}

func write(tb testing.TB, dir, name, kind string, der []byte) string {
	tb.Helper()
	const private fs.FileMode = 0o600
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), private); err != nil {
		tb.Fatalf("write %s: %v", name, err)
	}
	return path
}
