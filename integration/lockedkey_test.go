package integration_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// lockKey puts the key in a file under a password, as the OpenSSL of this machine does it.
func lockKey(t *testing.T, file, password string, how ...string) {
	t.Helper()
	open := file + ".open"
	if err := os.Rename(file, open); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "openssl", append([]string{"pkcs8", "-topk8", "-in", open, "-out", file, "-passout", "stdin"}, how...)...)
	command.Stdin = strings.NewReader(password + "\n")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writePassword writes a file with a password into a folder.
func writePassword(t *testing.T, dir, password string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "own.pw")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestP71_BroughtKeyUnderAPassword: a key that OpenSSL encrypted signs for a registry; a wrong password changes nothing,
// and the right one takes the next key over.
func TestP71_BroughtKeyUnderAPassword(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	dir := t.TempDir()
	own := bringKey(t, dir)
	lockKey(t, own.key, "öpen sesame")
	password := writePassword(t, dir, "öpen sesame")
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{{
			"service": "v3.test", "kind": "distribution3", "key_form": "rfc7638", "key_file": own.key, "key_password_file": password, "cert_file": own.cert,
		}}
	})
	host := startPrinted(t, g, "distribution3", "v3.test")
	before, token := signedBy(t, g, "v3.test", d.Password)
	if status := api(t, host, token); status != http.StatusOK {
		t.Fatalf("a token by a key under a password = %d, want 200", status)
	}
	mark := g.Process.Err.Len()
	bringKey(t, dir)
	lockKey(t, own.key, "of the next key", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-iter", "100000")
	loopback.Eventually(t, 20*time.Second, func() error {
		if !strings.Contains(g.Process.Err.Since(mark), "does not open the key in "+own.key) {
			return errStillOld
		}
		return nil
	})
	if still, _ := signedBy(t, g, "v3.test", d.Password); still != before {
		t.Error("the key changed with a password that does not open it")
	}
	writePassword(t, dir, "of the next key")
	loopback.Eventually(t, 20*time.Second, func() error {
		if after, _ := signedBy(t, g, "v3.test", d.Password); after == before {
			return errStillOld
		}
		return nil
	})
	if said := g.Process.Err.Since(0); strings.Contains(said, "sesame") || strings.Contains(said, "of the next key") {
		t.Errorf("the log tells a password:\n%s", said)
	}
}

// TestP62_OwnCAUnderAPassword: the same for the key of a signing CA.
func TestP62_OwnCAUnderAPassword(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	cert, key := rsaCA(t)
	lockKey(t, key, "open sesame")
	password := writePassword(t, t.TempDir(), "open sesame")
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["keys"] = gate.Settings{"ca_cert_file": cert, "ca_key_file": key, "ca_key_password_file": password}
		s["registries"] = []gate.Settings{{"service": "es.test"}}
	})
	auth := g.Auth("es.test")
	auth.BundleFile = cert
	answer, err := g.Asker("es.test").Ask(t.Context(), "alice", d.Password)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("token = %d, %v", answer.Status, err)
	}
	if status := api(t, distribution.StartV3(t, auth), answer.Token); status != http.StatusOK {
		t.Errorf("the registry answers %d, want 200", status)
	}
}
