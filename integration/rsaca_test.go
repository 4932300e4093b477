package integration_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// TestP62_OwnCAWithRSA4096: a signing CA of one's own, with a long RSA key, is believed by both generations, whatever
// its leaves sign with.
func TestP62_OwnCAWithRSA4096(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	cert, key := rsaCA(t)
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["keys"] = gate.Settings{"ca_cert_file": cert, "ca_key_file": key}
		s["registries"] = []gate.Settings{
			{"service": "es.test", "algorithm": "ES256"}, {"service": "rs.test", "algorithm": "RS256"},
		}
	})
	for service, algorithm := range map[string]string{"es.test": "ES256", "rs.test": "RS256"} {
		auth := g.Auth(service)
		auth.BundleFile = cert
		for _, host := range []string{distribution.StartV2(t, auth).Host, distribution.StartV3(t, auth)} {
			answer, err := g.Asker(service).Ask(t.Context(), "alice", d.Password)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("token = %d, %v", answer.Status, err)
			}
			if h := header(t, answer.Token); h.Algorithm != algorithm {
				t.Errorf("token is signed by %s, want %s", h.Algorithm, algorithm)
			}
			if status := api(t, host, answer.Token); status != http.StatusOK {
				t.Errorf("the registry answers %d to a token by %s, want 200", status, algorithm)
			}
		}
	}
}

// rsaCA makes the files of a signing CA that differs from the gate's own in its key alone.
func rsaCA(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	const bits = 4096
	dir := t.TempDir()
	if _, err := token.CreateCA(dir, time.Now(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, token.CACertFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	template, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	template.SignatureAlgorithm, template.PublicKey = 0, nil
	template.SubjectKeyId, template.AuthorityKeyId = nil, nil
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "own.crt"), filepath.Join(dir, "own.key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
