package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestCreateCA(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	now := newClock().Now()
	ca, err := token.CreateCA(dir, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{".": 0o700, token.CACertFile: 0o644, token.CAKeyFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %v", name, info, err, mode)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the state directory holds %v, %v, want two files", entries, err)
	}
	loaded, err := token.LoadCA(caIn(dir))
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Certificate().Equal(ca.Certificate()) || !bytes.Equal(loaded.Bundle(), ca.Bundle()) {
		t.Error("the loaded CA is another one")
	}
	cert := ca.Certificate()
	if cert.NotAfter.Sub(now) < 3649*24*time.Hour || !cert.NotBefore.Before(now) {
		t.Errorf("the CA lives from %v to %v", cert.NotBefore, cert.NotAfter)
	}
	if key, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key of the CA is a %T", cert.PublicKey)
	}
	if cert.KeyUsage != x509.KeyUsageCertSign || len(cert.ExtKeyUsage) != 0 || len(cert.UnknownExtKeyUsage) != 1 {
		t.Errorf("the CA may do %v, %v, %v", cert.KeyUsage, cert.ExtKeyUsage, cert.UnknownExtKeyUsage)
	}
}

func TestCreateCANeverOverwrites(t *testing.T) {
	t.Parallel()
	for _, name := range []string{token.CACertFile, token.CAKeyFile} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := token.CreateCA(dir, newClock().Now(), rand.Reader); !errors.Is(err, token.ErrCAExists) {
				t.Errorf("CreateCA = %v, want %v", err, token.ErrCAExists)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("%v, %v are left, want the old file alone", entries, err)
			}
			if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != "precious" {
				t.Errorf("the old file holds %q (%v)", data, err)
			}
		})
	}
}

func TestCreateCAWithoutRandomness(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := token.CreateCA(dir, newClock().Now(), strings.NewReader("")); err == nil {
		t.Error("CreateCA made a CA without a random serial number")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%v are left", entries)
	}
}

// authority is a CA certificate as it should be; tests make it worse.
func authority() *x509.Certificate {
	_, all4, _ := net.ParseCIDR("0.0.0.0/0")
	_, all6, _ := net.ParseCIDR("::/0")
	return &x509.Certificate{
		SerialNumber:                big.NewInt(1),
		Subject:                     pkix.Name{CommonName: "Registry tokens"},
		NotBefore:                   newClock().Now().Add(-time.Hour),
		NotAfter:                    newClock().Now().Add(10 * 24 * time.Hour),
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		UnknownExtKeyUsage:          []asn1.ObjectIdentifier{token.Purpose()},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"tokens.invalid"},
		ExcludedIPRanges:            []*net.IPNet{all4, all6},
	}
}

// certify makes a certificate that signs itself.
func certify(t *testing.T, template *x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestCheckSinglePurpose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*x509.Certificate)
		want string // in the error; empty means that it passes
	}{
		{"as it should be", func(*x509.Certificate) {}, ""},
		{"no authority", func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = false, false }, "no certificate authority"},
		{"no path length", func(c *x509.Certificate) { c.MaxPathLenZero = false }, "path length 0 is missing"},
		{"longer path", func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, 1 }, "path length 0 is missing"},
		{"no signing", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, "keyCertSign is missing"},
		{"more than signing", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageDigitalSignature }, "more than sign certificates"},
		{"no extended usage", func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil }, "may issue server and client certificates"},
		{"any usage", extended(x509.ExtKeyUsageAny), "other uses"},
		{"server", extended(x509.ExtKeyUsageServerAuth), "serverAuth"},
		{"client", extended(x509.ExtKeyUsageClientAuth), "clientAuth"},
		{"code signing", extended(x509.ExtKeyUsageCodeSigning), "other uses"},
		{"another private usage", func(c *x509.Certificate) {
			c.UnknownExtKeyUsage = append(c.UnknownExtKeyUsage, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 2})
		}, "other uses"},
		{"no name constraint", func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains, c.ExcludedIPRanges = false, nil, nil
		}, "no critical name constraint"},
		{"constraint that may be ignored", func(c *x509.Certificate) { c.PermittedDNSDomainsCritical = false }, "no critical name constraint"},
		{"addresses alone", func(c *x509.Certificate) { c.PermittedDNSDomains = nil }, "no DNS name is permitted"},
		{"real names", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"x.invalid", "corp.example"} }, `below "corp.example"`},
		{"a name that only ends alike", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"notinvalid"} }, `below "notinvalid"`},
		{"version 4 addresses", func(c *x509.Certificate) { c.ExcludedIPRanges = c.ExcludedIPRanges[1:] }, "may name addresses"},
		{"version 6 addresses", func(c *x509.Certificate) { c.ExcludedIPRanges = c.ExcludedIPRanges[:1] }, "may name addresses"},
	}
	key := ecKey(t, elliptic.P256())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			template := authority()
			tt.edit(template)
			err := token.CheckSinglePurpose(certify(t, template, key))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("CheckSinglePurpose = %v", err)
			case tt.want != "" && (!errors.Is(err, token.ErrInvalidCA) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("CheckSinglePurpose = %v, want %q", err, tt.want)
			}
		})
	}
}

// extended adds a usage that everybody knows.
func extended(usage x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, usage) }
}

// caFiles writes certificates and a key.
func caFiles(t *testing.T, key *pem.Block, certs ...*x509.Certificate) token.CAPaths {
	t.Helper()
	dir := t.TempDir()
	var b bytes.Buffer
	for _, cert := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	certPath, keyPath := filepath.Join(dir, "own.crt"), filepath.Join(dir, "own.key")
	if err := errors.Join(os.WriteFile(certPath, b.Bytes(), 0o644), os.WriteFile(keyPath, pem.EncodeToMemory(key), 0o600)); err != nil {
		t.Fatal(err)
	}
	return token.CAPaths{Cert: certPath, Key: keyPath}
}

// caIn gives the paths of the CA that the gate made in a folder.
func caIn(dir string) token.CAPaths {
	return token.CAPaths{Cert: filepath.Join(dir, token.CACertFile), Key: filepath.Join(dir, token.CAKeyFile)}
}

// pkcs8 writes any key.
func pkcs8(t *testing.T, key any) *pem.Block {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}
}

func TestLoadCAForms(t *testing.T) {
	t.Parallel()
	ec := ecKey(t, elliptic.P384())
	der, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		key  crypto.Signer
		file *pem.Block
	}{
		{"PKCS 8", ec, pkcs8(t, ec)},
		{"SEC 1", ec, &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}},
		{"PKCS 1", rsaKey, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}},
	}
	next := certify(t, authority(), ecKey(t, elliptic.P256()))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			own := certify(t, authority(), tt.key)
			ca, err := token.LoadCA(caFiles(t, tt.file, next, own))
			if err != nil {
				t.Fatal(err)
			}
			if !ca.Certificate().Equal(own) || bytes.Count(ca.Bundle(), []byte("BEGIN CERTIFICATE")) != 2 {
				t.Errorf("CA is %v, bundle %s", ca.Certificate().Subject, ca.Bundle())
			}
			r := newRig(t, func(o *token.KeySetOptions) { o.CA = ca })
			if _, err := r.reader().read(r.sign(t, happy())); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoadCARefuses(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	good := certify(t, authority(), key)
	web := authority()
	web.UnknownExtKeyUsage = nil
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small := ecKey(t, elliptic.P224())
	tests := []struct {
		name string
		key  *pem.Block
		cert []*x509.Certificate
		want string
	}{
		{"another key", pkcs8(t, ecKey(t, elliptic.P256())), []*x509.Certificate{good}, "belongs to no certificate"},
		{"web CA", pkcs8(t, key), []*x509.Certificate{certify(t, web, key)}, "may issue server and client certificates"},
		{"web CA beside it", pkcs8(t, key), []*x509.Certificate{good, certify(t, web, key)}, "may issue server and client certificates"},
		{"Ed25519, which stops old registries", pkcs8(t, edKey), []*x509.Certificate{certify(t, authority(), edKey)}, "not known to every registry"},
		{"small curve", pkcs8(t, small), []*x509.Certificate{certify(t, authority(), small)}, "too small"},
		{"no certificate", pkcs8(t, key), nil, "no PEM certificate"},
		{"encrypted key", &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}, []*x509.Certificate{good}, "is encrypted; name a file with its password in ca_key_password_file, or write it without a password"},
		{"broken key", &pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}, []*x509.Certificate{good}, "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := token.LoadCA(caFiles(t, tt.key, tt.cert...))
			if !errors.Is(err, token.ErrInvalidCA) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("LoadCA = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLoadCAFiles(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	files := caFiles(t, pkcs8(t, key), certify(t, authority(), key))
	cert, keyFile := files.Cert, files.Key
	if _, err := token.LoadCA(token.CAPaths{Cert: keyFile, Key: keyFile}); !errors.Is(err, token.ErrInvalidCA) {
		t.Errorf("a key instead of a certificate: %v", err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(keyFile, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := token.LoadCA(token.CAPaths{Cert: cert, Key: keyFile}); !errors.Is(err, token.ErrInvalidCA) || !strings.Contains(err.Error(), "chmod 600 "+keyFile) {
			t.Errorf("mode %v: %v, want a hint at chmod", mode, err)
		}
	}
	if _, err := token.LoadCA(token.CAPaths{Cert: cert, Key: keyFile + ".gone"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no key file: %v", err)
	}
	if err := os.Chmod(keyFile, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := token.LoadCA(token.CAPaths{Cert: cert + ".gone", Key: keyFile}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no certificate file: %v", err)
	}
}

func TestReadBundle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := token.CreateCA(dir, newClock().Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, token.CACertFile), filepath.Join(dir, token.CAKeyFile)
	if got, err := token.ReadBundle(cert); err != nil || !bytes.Equal(got, ca.Bundle()) {
		t.Errorf("ReadBundle = %s, %v, want the certificate", got, err)
	}
	if _, err := token.ReadBundle(key); !errors.Is(err, token.ErrInvalidCA) {
		t.Errorf("ReadBundle of a key = %v, want ErrInvalidCA", err)
	}
	if _, err := token.ReadBundle(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadBundle of no file = %v, want ErrNotExist", err)
	}
}
