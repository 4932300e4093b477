package token_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

const (
	issuer  = "wharfgate"
	service = "registry.corp.example"
)

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 700e6, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is an issuer with its keys and the registry that believes it.
type rig struct {
	clock  *clock
	ca     *token.CA
	keys   *token.KeySet
	issuer *token.Issuer
}

func newRig(tb testing.TB, edits ...func(*token.KeySetOptions)) *rig {
	tb.Helper()
	r := &rig{clock: newClock()}
	var err error
	if r.ca, err = token.CreateCA(tb.TempDir(), r.clock.Now(), rand.Reader); err != nil {
		tb.Fatal(err)
	}
	o := token.KeySetOptions{CA: r.ca, Now: r.clock.Now}
	for _, edit := range edits {
		edit(&o)
	}
	if r.keys, err = token.NewKeySet(o); err != nil {
		tb.Fatal(err)
	}
	if r.issuer, err = token.New(token.Options{Issuer: issuer, Keys: r.keys, Now: r.clock.Now}); err != nil {
		tb.Fatal(err)
	}
	return r
}

// withRSA asks for both algorithms.
func withRSA(o *token.KeySetOptions) { o.Algorithms = []string{token.RS256, token.ES256, token.RS256} }

// happy are claims as they are usually made.
func happy() token.Claims {
	return token.Claims{
		Subject:  "alice",
		Audience: service,
		Access:   []registry.Access{{Type: "repository", Name: "payments/api", Actions: []string{"pull", "push"}}},
		Lifetime: 5 * time.Minute,
	}
}

// sign makes a token that must succeed.
func (r *rig) sign(tb testing.TB, c token.Claims) token.Signed {
	tb.Helper()
	s, err := r.issuer.Sign(c)
	if err != nil {
		tb.Fatalf("Sign: %v", err)
	}
	return s
}

// claims is the token as a registry reads it.
type claims struct {
	Issuer   string            `json:"iss"`
	Subject  string            `json:"sub"`
	Audience string            `json:"aud"`
	Expiry   int64             `json:"exp"`
	Begin    int64             `json:"nbf"`
	IssuedAt int64             `json:"iat"`
	ID       string            `json:"jti"`
	Access   []registry.Access `json:"access"`
}

var errRefused = errors.New("registry refuses")

// reader verifies tokens as distribution does: the chain in x5c against the bundle with any extended key
// usage, the signature, issuer, audience as one string, and the times with a minute of leeway.
type reader struct {
	bundle  []byte
	service string
	now     time.Time
}

func (r *rig) reader() reader {
	return reader{bundle: r.keys.Bundle(), service: service, now: r.clock.Now()}
}

func (r reader) read(s token.Signed) (claims, error) {
	var c claims
	parts := strings.Split(s.Token.Reveal(), ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("%w: %d parts", errRefused, len(parts))
	}
	var header struct {
		Type      string   `json:"typ"`
		Algorithm string   `json:"alg"`
		Chain     []string `json:"x5c"`
	}
	if err := errors.Join(decode(parts[0], &header), decode(parts[1], &c)); err != nil {
		return c, err
	}
	if header.Type != "JWT" || len(header.Chain) == 0 {
		return c, fmt.Errorf("%w: header %+v", errRefused, header)
	}
	cert, err := r.chain(header.Chain)
	if err != nil {
		return c, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return c, err
	}
	if err := jwt.GetSigningMethod(header.Algorithm).Verify(parts[0]+"."+parts[1], signature, cert.PublicKey); err != nil {
		return c, err
	}
	if c.Issuer != issuer || c.Audience != r.service {
		return c, fmt.Errorf("%w: iss %q, aud %q", errRefused, c.Issuer, c.Audience)
	}
	if r.now.After(time.Unix(c.Expiry, 0).Add(time.Minute)) || r.now.Before(time.Unix(c.Begin, 0).Add(-time.Minute)) {
		return c, fmt.Errorf("%w: the time", errRefused)
	}
	return c, nil
}

// chain verifies x5c.
func (r reader) chain(x5c []string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(x5c[0])
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(r.bundle) {
		return nil, fmt.Errorf("%w: no bundle", errRefused)
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: r.now,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return cert, err
}

// decode reads one part of a token strictly: no unknown and no duplicate members, nothing behind.
func decode(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	again, err := json.Marshal(into)
	if err != nil {
		return err
	}
	if len(again) != len(data) {
		return fmt.Errorf("%w: %s has other members than %s", errRefused, data, again)
	}
	return nil
}
