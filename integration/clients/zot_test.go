package clients_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestP78_WhatZotNeeds asks as zot's clients do and reads tokens as zot does: by its one key, without leeway.
func TestP78_WhatZotNeeds(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const service = "zot.registry.test"
	g := gate.Start(t, c.directory, policy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{{"service": service, "kind": "zot", "token_lifetime": "30m"}}
	})
	bundle := g.Run(t, "", "registry", "--format", "bundle")
	if bundle.Code != 0 {
		t.Fatalf("registry --format bundle = %d %s", bundle.Code, bundle.Err)
	}
	key := keyOf(t, bundle.Out)
	const line = "service=" + service
	cases := map[string]struct {
		user, query string
		want        []string
	}{
		"login, an empty scope":       {"nora", line + "&scope=", []string{}},
		"catalog":                     {"dana", line + "&scope=repository%3A%3Apull", []string{"repository::pull"}},
		"catalog, who may not":        {"nora", line + "&scope=repository%3A%3Apull", []string{}},
		"pull":                        {"nora", line + "&scope=repository%3Apayments%2Fapi%3Apull", []string{"repository:payments/api:pull"}},
		"skopeo delete":               {"carol", line + "&scope=repository%3Asearch%2Fapp%3A%2A", []string{"repository:search/app:delete,pull,push"}},
		"skopeo delete by everything": {"dana", line + "&scope=repository%3Asearch%2Fapp%3A%2A", []string{"repository:search/app:delete,pull,push"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := ask{query: test.query}.send(t, g.Realm(), test.user, c.directory.Password)
			now := time.Now().Unix()
			if got := sorted(answer.access()); answer.status != http.StatusOK || !slices.Equal(got, test.want) {
				t.Errorf("%s = %d %q, want 200 %q", test.query, answer.status, got, test.want)
			}
			if answer.claims.IssuedAt >= now || answer.claims.NotBefore >= now || answer.claims.Expires < now+60 {
				t.Errorf("claims %+v at %d, want iat and nbf in the past: zot's clock has no leeway", answer.claims, now)
			}
			if audience, ok := answer.claims.Audience.(string); !ok || audience != service {
				t.Errorf("aud = %v, want the service as a text", answer.claims.Audience)
			}
			if !signed(t, answer.token, key) {
				t.Error("the key that zot was given did not sign the token")
			}
		})
	}
}

// keyOf is the key of the one certificate in a PEM text.
func keyOf(t *testing.T, text string) *ecdsa.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no certificate in %q", text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		t.Fatalf("the key is a %T", certificate.PublicKey)
	}
	return key
}

// signed is whether a key signed a token with ES256.
func signed(t *testing.T, token string, key *ecdsa.PublicKey) bool {
	t.Helper()
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[cut+1:])
	const half = 32
	if err != nil || len(signature) != 2*half {
		t.Errorf("signature %q: %v", token[cut+1:], err)
		return false
	}
	sum := sha256.Sum256([]byte(token[:cut]))
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
}
