package integration_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// rotateKeys takes a step and fails the test without it.
func rotateKeys(t *testing.T, g *gate.Gate, says string, args ...string) {
	t.Helper()
	got := g.Run(t, "", "keys rotate", args...)
	if got.Code != 0 || !strings.Contains(got.Out, says) {
		t.Fatalf("keys rotate %q = %d, want %q\n%s%s", args, got.Code, says, got.Out, got.Err)
	}
}

// signedBy returns the key id or the certificate that a new token names.
func signedBy(t *testing.T, g *gate.Gate, service, password string) (id, token string) {
	t.Helper()
	answer, err := g.Asker(service).Ask(t.Context(), "alice", password, "repository:payments/api:pull")
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("token = %d, %v", answer.Status, err)
	}
	h := header(t, answer.Token)
	if h.KeyID == "" {
		return string(h.Certificates[0]), answer.Token
	}
	return h.KeyID, answer.Token
}

// pulling pulls an image again and again until the returned func is called, which gives how often.
func pulling(t *testing.T, pairs ...pair) (stop func() int64) {
	t.Helper()
	var done atomic.Bool
	var pulls atomic.Int64
	var clients sync.WaitGroup
	for _, p := range pairs {
		clients.Go(func() {
			for !done.Load() {
				if err := p.pull(t, p.host+"/payments/api:1"); err != nil {
					t.Errorf("pull from %s: %v", p.service, err)
					return
				}
				pulls.Add(1)
			}
		})
	}
	return func() int64 {
		done.Store(true)
		clients.Wait()
		return pulls.Load()
	}
}

// TestP68_KeyRotationWithoutAFailedPull: the next key is published, registries are started again with it, it signs, the
// one before retires; pulls go on all the time and none fails. A key that was not published is not let sign.
func TestP68_KeyRotationWithoutAFailedPull(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	services := map[string]string{"v2.test": "distribution2", "v3.test": "distribution3"}
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{
			{"service": "v2.test", "kind": "distribution2", "key_form": "libtrust"},
			{"service": "v3.test", "kind": "distribution3", "key_form": "libtrust"},
		}
	})
	start := func() (all []pair) {
		for service, kind := range services {
			p := pair{site: &site{directory: d, gate: g}, service: service, host: startPrinted(t, g, kind, service), client: client.Crane}
			if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 1), p.host+"/payments/api:1"); err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		return all
	}
	stop := pulling(t, start()...)
	before, old := signedBy(t, g, "v3.test", d.Password)
	rotateKeys(t, g, "the next key is published", "es256")
	if got := g.Run(t, "", "keys rotate", "es256"); got.Code == 0 || !strings.Contains(got.Err, "may sign from") {
		t.Errorf("a second step at once = %d %s", got.Code, got.Err)
	}
	restarted := start() // with what is exported now
	if pulls := stop(); pulls == 0 {
		t.Error("nothing was pulled while the next key was published")
	}
	stop = pulling(t, restarted...)
	rotateKeys(t, g, "the next key signs now", "--force", "es256")
	loopback.Eventually(t, 20*time.Second, func() error {
		if after, _ := signedBy(t, g, "v3.test", d.Password); after == before {
			return errStillOld
		}
		return nil
	})
	for _, p := range restarted {
		if p.service == "v3.test" {
			if status := api(t, p.host, old); status != http.StatusOK {
				t.Errorf("a token of the key before = %d, want 200", status)
			}
		}
	}
	if pulls := stop(); pulls == 0 {
		t.Error("nothing was pulled while the key changed")
	}
	got := g.Run(t, "", "keys list")
	if got.Code != 0 || !strings.Contains(got.Out, "retiring") || !strings.Contains(got.Out, "active") {
		t.Errorf("keys list = %d\n%s%s", got.Code, got.Out, got.Err)
	}
}

// TestCARolloverWithoutAFailedPull: the next CA is in the bundle beside the present one before anything is signed under it.
func TestCARolloverWithoutAFailedPull(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{{"service": "v2.test", "kind": "distribution2"}}
	})
	before, old := signedBy(t, g, "v2.test", d.Password)
	rotateKeys(t, g, "the next key is published", "ca")
	p := pair{site: &site{directory: d, gate: g}, service: "v2.test", host: startPrinted(t, g, "distribution2", "v2.test"), client: client.Crane}
	if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 1), p.host+"/payments/api:1"); err != nil {
		t.Fatal(err)
	}
	stop := pulling(t, p)
	rotateKeys(t, g, "the next key signs now", "--force")
	loopback.Eventually(t, 20*time.Second, func() error {
		if after, _ := signedBy(t, g, "v2.test", d.Password); after == before {
			return errStillOld
		}
		return nil
	})
	if status := api(t, p.host, old); status != http.StatusOK {
		t.Errorf("a token under the CA before = %d, want 200", status)
	}
	if pulls := stop(); pulls == 0 {
		t.Error("nothing was pulled meanwhile")
	}
}

// TestP69_ReplicasWithDifferentActiveKeys: while two gates are rolled over one after the other, one registry believes both.
func TestP69_ReplicasWithDifferentActiveKeys(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	settings := func(s gate.Settings) {
		s["registries"] = []gate.Settings{{"service": "v3.test", "kind": "distribution3", "key_form": "jwks"}}
	}
	first := gate.Start(t, d, sitePolicy, settings)
	rotateKeys(t, first, "the next key is published")
	second := gate.Prepare(t, d, sitePolicy, settings)
	copyKeys(t, first, second)
	second.Serve(t)
	host := startPrinted(t, first, "distribution3", "v3.test")
	rotateKeys(t, second, "the next key signs now", "--force")
	a, tokenA := signedBy(t, first, "v3.test", d.Password)
	var b, tokenB string
	loopback.Eventually(t, 20*time.Second, func() error {
		if b, tokenB = signedBy(t, second, "v3.test", d.Password); a == b {
			return errStillOld
		}
		return nil
	})
	for _, token := range []string{tokenA, tokenB} {
		if status := api(t, host, token); status != http.StatusOK {
			t.Errorf("a token of one replica = %d, want 200", status)
		}
	}
}

// copyKeys gives a gate the keys of another one.
func copyKeys(t *testing.T, from, to *gate.Gate) {
	t.Helper()
	for _, dir := range []string{"", "keys"} {
		if err := os.MkdirAll(filepath.Join(to.StateDir(), dir), 0o700); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(from.StateDir(), dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if !info.Mode().IsRegular() {
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(to.StateDir(), dir, filepath.Base(name)), data, info.Mode().Perm()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestP71_BroughtKeyIsReadAgain: a key of the operator's own is replaced while the gate runs; a bad file changes nothing.
func TestP71_BroughtKeyIsReadAgain(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	dir := t.TempDir()
	own := bringKey(t, dir)
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{{
			"service": "v3.test", "kind": "distribution3", "key_form": "rfc7638", "key_file": own.key, "cert_file": own.cert,
		}}
	})
	host := startPrinted(t, g, "distribution3", "v3.test")
	before, token := signedBy(t, g, "v3.test", d.Password)
	if status := api(t, host, token); status != http.StatusOK {
		t.Fatalf("a token by a brought key = %d, want 200", status)
	}
	mark := g.Process.Err.Len()
	if err := os.WriteFile(own.key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	loopback.Eventually(t, 20*time.Second, func() error {
		if !strings.Contains(g.Process.Err.Since(mark), "signing keys not read; those of before stay") {
			return errStillOld
		}
		return nil
	})
	if still, _ := signedBy(t, g, "v3.test", d.Password); still != before {
		t.Error("the key changed with a file that is not fit")
	}
	bringKey(t, dir)
	loopback.Eventually(t, 20*time.Second, func() error {
		if after, _ := signedBy(t, g, "v3.test", d.Password); after == before {
			return errStillOld
		}
		return nil
	})
	if status := api(t, startPrinted(t, g, "distribution3", "v3.test"), token); status != http.StatusUnauthorized {
		t.Errorf("a token of the key before = %d at a registry with the next one, want 401", status)
	}
}
