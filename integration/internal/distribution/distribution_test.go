package distribution_test

import (
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// auth is a token server that issues nothing, with a real signing authority.
func auth(t *testing.T) distribution.Auth {
	t.Helper()
	ca, err := token.CreateCA(t.TempDir(), time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(file, ca.Bundle(), 0o600); err != nil {
		t.Fatal(err)
	}
	return distribution.Auth{Realm: "http://localhost:1/auth/token", Service: "registry.test", Issuer: "test", BundleFile: file}
}

func TestRegistriesAskForAToken(t *testing.T) {
	t.Parallel()
	a := auth(t)
	for name, start := range map[string]func(*testing.T) string{
		"v2": func(t *testing.T) string { return distribution.StartV2(t, a).Host },
		"v3": func(t *testing.T) string { return distribution.StartV3(t, a) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := new(http.Client).Get("http://" + start(t) + "/v2/")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			challenge := answer.Header.Get("WWW-Authenticate")
			if answer.StatusCode != http.StatusUnauthorized || !strings.Contains(challenge, `Bearer realm="`+a.Realm+`",service="registry.test"`) {
				t.Errorf("answer = %s, %s, want 401 and our realm and service", answer.Status, challenge)
			}
		})
	}
}
