package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// startPrinted starts a real registry on what the command registry prints for it, with the bundle that it prints, and
// returns its host.
func startPrinted(t *testing.T, g *gate.Gate, kind, service string) string {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "wharfgate.bundle")
	if err := os.WriteFile(bundle, []byte(printedFor(t, g, kind, service, "bundle", bundle)), 0o600); err != nil {
		t.Fatal(err)
	}
	text := printedFor(t, g, kind, service, "yaml", bundle)
	if kind != "distribution2" {
		return distribution.StartV3From(t, []byte(text))
	}
	port := loopback.Ports(t, 1)
	text = strings.NewReplacer("addr: :5000", "addr: "+loopback.Address(port), "/var/lib/registry", t.TempDir()).Replace(text)
	return distribution.StartV2From(t, []byte(text), port).Host
}

// printedFor is what the command registry prints.
func printedFor(t *testing.T, g *gate.Gate, kind, service, format, bundle string) string {
	t.Helper()
	got := g.Run(t, "", "registry", "--for", kind, "--service", service, "--format", format, "--bundle-path", bundle)
	if got.Code != 0 {
		t.Fatalf("registry exits with %d: %s", got.Code, got.Err)
	}
	return got.Out
}

// TestP63_EveryKeyForm: every form and algorithm that the profiles promise is verified by the real registry, on what the
// command prints for it: 2.8 as a program, 3.1 in this process. 3.0 differs from 3.1 in the thumbprints of EC keys, which
// its profile refuses; it is not run.
func TestP63_EveryKeyForm(t *testing.T) {
	t.Parallel()
	type way struct{ kind, form, algorithm string }
	var ways []way
	for kind, forms := range map[string]map[string]string{
		"distribution2": {"x5c": "ES256 RS256", "libtrust": "ES256 RS256"},
		"distribution3": {
			"x5c": "ES256 RS256 EdDSA", "rfc7638": "ES256 RS256 EdDSA", "jwks": "ES256 RS256 EdDSA", "libtrust": "ES256 RS256",
		},
	} {
		for form, algorithms := range forms {
			for a := range strings.FieldsSeq(algorithms) {
				ways = append(ways, way{kind, form, a})
			}
		}
	}
	service := func(w way) string { return strings.ToLower(fmt.Sprintf("%s.%s.%s.test", w.kind, w.form, w.algorithm)) }
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		var all []gate.Settings
		for _, w := range ways {
			all = append(all, gate.Settings{"service": service(w), "kind": w.kind, "key_form": w.form, "algorithm": w.algorithm})
		}
		s["registries"] = all
	})
	for _, w := range ways {
		t.Run(service(w), func(t *testing.T) {
			t.Parallel()
			host := startPrinted(t, g, w.kind, service(w))
			p := pair{site: &site{directory: d, gate: g}, service: service(w), host: host, client: client.Crane}
			if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 1), host+"/payments/api:1"); err != nil {
				t.Fatalf("%v\n%s", err, g.Process.Err)
			}
			answer, err := g.Asker(service(w)).Ask(t.Context(), "alice", d.Password)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("token = %d, %v", answer.Status, err)
			}
			h := header(t, answer.Token)
			if hasID := h.KeyID != ""; h.Algorithm != w.algorithm || hasID == (w.form == "x5c") || hasID == (len(h.Certificates) > 0) {
				t.Errorf("header = %+v for %+v", h, w)
			}
		})
	}
}

// TestP65_ImpossibleKeyFormsAreFaults: check names what cannot work, and serve does not start on it.
func TestP65_ImpossibleKeyFormsAreFaults(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Prepare(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{
			{"service": "a.test", "kind": "distribution3.0", "key_form": "rfc7638", "algorithm": "ES256"},
			{"service": "b.test", "kind": "distribution2", "algorithm": "EdDSA"},
			{"service": "c.test", "kind": "distribution2", "key_form": "jwks"},
			{"service": "d.test", "kind": "zot", "key_name": "shared"},
			{"service": "e.test", "kind": "distribution3", "key_form": "jwks", "key_name": "shared"},
			{"service": "f.test", "kind": "zot", "key_form": "x5c"},
		}
	})
	for _, command := range []string{"check", "serve"} {
		got := g.Run(t, "", command)
		if got.Code == 0 {
			t.Errorf("%s exits with 0", command)
		}
		for _, want := range []string{
			"a.test: rfc7638 with ES256", "b.test: x5c with EdDSA", "c.test: jwks with ES256", "e.test and d.test share a key", "f.test: x5c with ES256",
		} {
			if !strings.Contains(got.Out+got.Err, want) {
				t.Errorf("%s does not say %q:\n%s%s", command, want, got.Out, got.Err)
			}
		}
	}
}

// TestP66_ExportedJWKSHoldsPublicKeysAlone.
func TestP66_ExportedJWKSHoldsPublicKeysAlone(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{{"service": "a.test", "kind": "distribution3", "key_form": "jwks"}}
	})
	got := g.Run(t, "", "keys export")
	for _, want := range []string{`"kty": "EC"`, `"crv": "P-256"`, `"use": "sig"`, `"alg": "ES256"`, `"kid": `} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("the JWKS lacks %s:\n%s", want, got.Out)
		}
	}
	if got.Code != 0 || strings.Contains(got.Out, `"d"`) {
		t.Errorf("export = %d\n%s%s", got.Code, got.Out, got.Err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.json")
	if err := os.WriteFile(foreign, []byte(`{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := g.Run(t, "", "keys export", "--with", foreign); got.Code == 0 || !strings.Contains(got.Err, "symmetric") || got.Out != "" {
		t.Errorf("export with a symmetric key = %d %q %q", got.Code, got.Out, got.Err)
	}
}
