package doctor

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// FuzzBearer: no challenge of a registry breaks the reader, and what is written in order is read.
func FuzzBearer(f *testing.F) {
	for _, seed := range []string{
		`Bearer realm="https://a.test/token",service="s"`, `bearer realm=a, service="b\"c"`, `Bearer`, `Bearer =`, `Bearer a="`, `Basic realm="a"`, `Bearer a=1,,=,b`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := bearerOf(http.Header{"Www-Authenticate": {text}})
		for name := range got {
			if name != strings.ToLower(name) {
				t.Errorf("the name %q of %q", name, text)
			}
		}
		if strings.ContainsAny(text, "\"\\") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		if got := bearerOf(http.Header{"Www-Authenticate": {`Bearer realm="` + text + `",service="s"`}}); got["realm"] != text && got["realm"] != strings.TrimSpace(text) || got["service"] != "s" {
			t.Errorf("%q is read as %v", text, got)
		}
	})
}

// FuzzToken: no answer of a gate breaks the reader, and none is verified by a certificate that did not sign it.
func FuzzToken(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.AAAA", []byte("{}"))
	f.Add("eyJ4NWMiOlsiQUFBQSJdfQ.e30.", []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Add("..", []byte(`{"keys":[{"kty":"EC"}]}`))
	f.Fuzz(func(t *testing.T, text string, held []byte) {
		i, err := newIssued(reply{Token: text})
		if err != nil {
			return
		}
		keys, err := readTrust(held)
		if err != nil {
			return
		}
		if err := keys.verify(i, time.Now(), registry.Profile{}); err == nil {
			t.Errorf("%q is verified by %q", text, held)
		}
	})
}
