package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// broughtKey is a key with its certificate, as an operator brings them.
type broughtKey struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// bring makes a key and a certificate; edit changes the template.
func bring(tb testing.TB, c *clock, key crypto.Signer, edit func(*x509.Certificate)) broughtKey {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "brought"},
		NotBefore: c.Now().Add(-time.Hour), NotAfter: c.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if edit != nil {
		edit(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return broughtKey{key, cert}
}

// wideKey makes a P-256 key without a leading zero byte in a coordinate, or with one.
func wideKey(tb testing.TB, wide bool) *ecdsa.PrivateKey {
	tb.Helper()
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			tb.Fatal(err)
		}
		if (point[1] != 0 && point[33] != 0) == wide {
			return key
		}
	}
}

// write puts key and certificate into files.
func (b broughtKey) write(tb testing.TB, dir string) token.RingOptions {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(b.key)
	if err != nil {
		tb.Fatal(err)
	}
	o := token.RingOptions{Name: "own", KeyFile: filepath.Join(dir, "own.key"), CertFile: filepath.Join(dir, "own.crt")}
	save(tb, o.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	save(tb, o.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.cert.Raw}))
	return o
}

func save(tb testing.TB, path string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func TestBroughtKeysSign(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for want, key := range map[string]crypto.Signer{token.ES256: wideKey(t, true), token.RS256: rsaKey, token.EdDSA: ed} {
		c := newClock()
		o := bring(t, c, key, nil).write(t, t.TempDir())
		o.Now = c.Now
		ring, err := token.OpenRing(o)
		if err != nil {
			t.Fatal(want, err)
		}
		if got := ring.Algorithm(); got != want {
			t.Errorf("Algorithm = %s, want %s", got, want)
		}
		claims := happy()
		claims.Ring, claims.Form = "own", token.RFC7638
		trusted, err := ring.Trusted(token.RFC7638)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := ringIssuer(t, c, ring).Sign(claims)
		if err != nil || !believed(t, c, signed.Token.Reveal(), trusted) {
			t.Errorf("%s: Sign = %v, or nobody believes it", want, err)
		}
		claims.Form = token.X5C
		if signed, err = ringIssuer(t, c, ring).Sign(claims); err != nil || len(signed.Token.Reveal()) < len(pem.EncodeToMemory(&pem.Block{})) {
			t.Errorf("%s: Sign in the form x5c = %v", want, err)
		}
	}
}

// TestP70_NoTokenOutlivesItsCertificate: a token is not signed where its certificate ends before it, with the leeway of
// registries.
func TestP70_NoTokenOutlivesItsCertificate(t *testing.T) {
	t.Parallel()
	c := newClock()
	own := bring(t, c, wideKey(t, true), func(x *x509.Certificate) { x.NotAfter = c.Now().Add(time.Hour) })
	o := own.write(t, t.TempDir())
	o.Now = c.Now
	ring, err := token.OpenRing(o)
	if err != nil {
		t.Fatal(err)
	}
	claims := happy()
	claims.Ring, claims.Form, claims.Lifetime = "own", token.X5C, 5*time.Minute
	i := ringIssuer(t, c, ring)
	c.Add(54*time.Minute - time.Second)
	if _, err := i.Sign(claims); err != nil {
		t.Fatalf("Sign = %v while the certificate outlives the token", err)
	}
	c.Add(2 * time.Second)
	if _, err := i.Sign(claims); !errors.Is(err, token.ErrExpiringKey) {
		t.Fatalf("Sign = %v, want ErrExpiringKey", err)
	}
	next := bring(t, c, own.key, nil).write(t, filepath.Dir(o.KeyFile)) // the operator renews it
	future := c.Now().Add(time.Hour)
	if err := os.Chtimes(next.CertFile, future, future); err != nil {
		t.Fatal(err)
	}
	if changed, err := ring.Reload(); err != nil || !changed {
		t.Fatalf("Reload = %v, %v", changed, err)
	}
	if _, err := i.Sign(claims); err != nil {
		t.Errorf("Sign = %v with the new certificate", err)
	}
}

func TestP71_BroughtKeysThatAreNotFit(t *testing.T) {
	t.Parallel()
	fit := func(t *testing.T, c *clock, dir string) token.RingOptions {
		t.Helper()
		return bring(t, c, wideKey(t, true), nil).write(t, dir)
	}
	for want, build := range map[string]func(t *testing.T, c *clock, dir string) token.RingOptions{
		"others can read": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			o := fit(t, c, dir)
			if err := os.Chmod(o.KeyFile, 0o644); err != nil {
				t.Fatal(err)
			}
			return o
		},
		"or not all of it": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			o := fit(t, c, dir)
			data, err := os.ReadFile(o.KeyFile)
			if err != nil {
				t.Fatal(err)
			}
			save(t, o.KeyFile, data[:len(data)/2])
			return o
		},
		"is encrypted": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			o := fit(t, c, dir)
			save(t, o.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))
			return o
		},
		"does not belong": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			o := fit(t, c, dir)
			other := fit(t, c, t.TempDir())
			o.CertFile = other.CertFile
			return o
		},
		"ended on": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			return bring(t, c, wideKey(t, true), func(x *x509.Certificate) { x.NotAfter = c.Now().Add(-time.Minute) }).write(t, dir)
		},
		"not valid before": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			return bring(t, c, wideKey(t, true), func(x *x509.Certificate) { x.NotBefore = c.Now().Add(time.Minute) }).write(t, dir)
		},
		"is an authority": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			return bring(t, c, wideKey(t, true), func(x *x509.Certificate) { x.IsCA, x.BasicConstraintsValid = true, true }).write(t, dir)
		},
		"P-384": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return bring(t, c, key, nil).write(t, dir)
		},
		"zero byte": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			return bring(t, c, wideKey(t, false), nil).write(t, dir)
		},
		"no such file": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			o := fit(t, c, dir)
			o.KeyFile += ".gone"
			return o
		},
		"holds a PRIVATE KEY": func(t *testing.T, c *clock, dir string) token.RingOptions {
			t.Helper()
			o := fit(t, c, dir)
			o.CertFile = o.KeyFile
			return o
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			dir := t.TempDir()
			bad := build(t, c, dir)
			bad.Now = c.Now
			if _, err := token.OpenRing(bad); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("OpenRing = %v, want %q", err, want)
			}
		})
	}
}
