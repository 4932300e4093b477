package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// TestThumbprintsOfTheRFCs are the examples of RFC 7638 section 3.1 and RFC 8037 appendix A.3.
func TestThumbprintsOfTheRFCs(t *testing.T) {
	t.Parallel()
	n, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs" +
		"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	if err != nil {
		t.Fatal(err)
	}
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	for want, key := range map[string]any{
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs": &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537},
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k": ed25519.PublicKey(x),
	} {
		if got, err := token.KeyID(token.RFC7638, key); err != nil || got != want {
			t.Errorf("KeyID = %q, %v; want %q", got, err, want)
		}
	}
}

func TestLibtrustIDsHaveTheirForm(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := token.KeyID(token.Libtrust, key.Public())
	if err != nil || !regexp.MustCompile(`^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$`).MatchString(id) {
		t.Errorf("KeyID = %q, %v; want twelve groups of four letters", id, err)
	}
	if _, err := token.KeyID(token.X5C, key.Public()); !errors.Is(err, token.ErrInvalidKey) {
		t.Errorf("KeyID of x5c = %v, want ErrInvalidKey", err)
	}
}

func TestJWKSRoundTrip(t *testing.T) {
	t.Parallel()
	var keys []token.PublicKey
	for _, algorithm := range []string{token.ES256, token.RS256, token.EdDSA} {
		ring, _ := newRing(t, newClock(), algorithm)
		more, err := ring.Trusted(token.JWKS)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, more...)
	}
	data, err := token.EncodeJWKS(keys)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(`"d"`)) {
		t.Fatal("a private key is in the JWKS")
	}
	got, err := token.DecodeJWKS(data)
	if err != nil || len(got) != len(keys) {
		t.Fatalf("DecodeJWKS = %v, %v", got, err)
	}
	for i, k := range got {
		id, err := token.KeyID(token.JWKS, k.Key)
		if err != nil || id != keys[i].ID || k.ID != id || k.Algorithm != keys[i].Algorithm {
			t.Errorf("keys[%d] = %s %s, %v; want %s %s", i, k.ID, k.Algorithm, err, keys[i].ID, keys[i].Algorithm)
		}
	}
}

// rejected are JWK Sets that no registry could verify tokens with, and a word of the reason.
func rejected() map[string]string {
	return map[string]string{
		``:            "not JSON",
		`{"keys":[]}`: "no keys",
		`{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`:                                                                  "symmetric",
		`{"keys":[{"kty":"EC","kid":"a","crv":"P-521","x":"AA","y":"AA"}]}`:                                                  "signs no tokens",
		`{"keys":[{"kty":"OKP","kid":"a","crv":"X25519","x":"AA"}]}`:                                                         "signs no tokens",
		`{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"AA","y":"AA"}]}`:                                                  "bytes",
		`{"keys":[{"kty":"EC","kid":"a","crv":"P-256","d":"AA","x":"AA","y":"AA"}]}`:                                         "private",
		`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`:                                                           "bits",
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`:                         "no kid",
		`{"keys":[{"kty":"OKP","kid":"a","use":"enc","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`:   "signatures",
		`{"keys":[{"kty":"OKP","kid":"a","alg":"ES256","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`: "alg",
	}
}

func TestDecodeJWKSRefusesForeignKeys(t *testing.T) {
	t.Parallel()
	for text, want := range rejected() {
		if _, err := token.DecodeJWKS([]byte(text)); !errors.Is(err, token.ErrInvalidKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("DecodeJWKS(%s) = %v, want %q", text, err, want)
		}
	}
}

// FuzzDecodeJWKS: what is read can be written, and is read alike again.
func FuzzDecodeJWKS(f *testing.F) {
	for text := range rejected() {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"keys":[{"kty":"OKP","kid":"a","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := token.DecodeJWKS(data)
		if err != nil {
			if !errors.Is(err, token.ErrInvalidKey) {
				t.Fatalf("%v is no ErrInvalidKey", err)
			}
			return
		}
		text, err := token.EncodeJWKS(keys)
		if err != nil {
			t.Fatal(err)
		}
		again, err := token.DecodeJWKS(text)
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%d keys became %d: %v", len(keys), len(again), err)
		}
	})
}
