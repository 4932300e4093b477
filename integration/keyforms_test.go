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
// returns its host. Kind is also the software that is run.
func startPrinted(t *testing.T, g *gate.Gate, kind, service string) string {
	t.Helper()
	return startPrintedOn(t, g, kind, kind, service)
}

// startPrintedOn is startPrinted with another software than that of the kind.
func startPrintedOn(t *testing.T, g *gate.Gate, kind, software, service string) string {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "wharfgate.bundle")
	if err := os.WriteFile(bundle, []byte(printedFor(t, g, kind, service, "bundle", bundle)), 0o600); err != nil {
		t.Fatal(err)
	}
	port := loopback.Ports(t, 1)
	text := printedFor(t, g, kind, service, "yaml", bundle)
	text = strings.NewReplacer("addr: :5000", "addr: "+loopback.Address(port), "/var/lib/registry", t.TempDir()).Replace(text)
	return startOn(t, software, []byte(text), port)
}

// startOn runs the software of a kind on a configuration document, whose http.addr is the given port where it is a program,
// and on variables that complete it, and returns its host.
func startOn(t *testing.T, kind string, document []byte, port int, variables ...string) string {
	t.Helper()
	switch kind {
	case "distribution2":
		return distribution.StartV2From(t, document, port, variables...).Host
	case "distribution3.0":
		return distribution.StartV30From(t, document, port, variables...).Host
	default:
		return distribution.StartV3From(t, document, variables...)
	}
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

// way is a key form and an algorithm of a kind, and the software that is run on what is printed for it.
type way struct{ kind, software, form, algorithm string }

func (w way) service() string {
	return strings.ToLower(fmt.Sprintf("%s.on.%s.%s.%s.test", w.kind, w.software, w.form, w.algorithm))
}

// ways are all that the profiles of distribution promise: those of the kind for every version, on every version.
func ways() []way {
	var all []way
	add := func(kind, software string, forms map[string]string) {
		for form, algorithms := range forms {
			for a := range strings.FieldsSeq(algorithms) {
				all = append(all, way{kind, software, form, a})
			}
		}
	}
	const both, each = "ES256 RS256", "ES256 RS256 EdDSA"
	for _, software := range []string{"distribution2", "distribution3.0", "distribution3"} {
		add("distribution", software, map[string]string{"x5c": both, "libtrust": both})
	}
	add("distribution2", "distribution2", map[string]string{"x5c": both, "libtrust": both})
	add("distribution3.0", "distribution3.0", map[string]string{"x5c": each, "rfc7638": "RS256", "jwks": each, "libtrust": both})
	add("distribution3", "distribution3", map[string]string{"x5c": each, "rfc7638": each, "jwks": each, "libtrust": both})
	return all
}

// TestP63_EveryKeyForm: every form and algorithm that the profiles promise is verified by the real registry, on what the
// command prints for it: 2.8 and 3.0 as programs, 3.1 in this process.
func TestP63_EveryKeyForm(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		var all []gate.Settings
		for _, w := range ways() {
			all = append(all, gate.Settings{"service": w.service(), "kind": w.kind, "key_form": w.form, "algorithm": w.algorithm})
		}
		s["registries"] = all
	})
	for _, w := range ways() {
		t.Run(w.service(), func(t *testing.T) {
			t.Parallel()
			host := startPrinted(t, g, w.software, w.service())
			p := pair{site: &site{directory: d, gate: g}, service: w.service(), host: host, client: client.Crane}
			if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 1), host+"/payments/api:1"); err != nil {
				t.Fatalf("%v\n%s", err, g.Process.Err)
			}
			answer, err := g.Asker(w.service()).Ask(t.Context(), "alice", d.Password)
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

// TestP63_30RefusesWhatItsProfileRefuses: what 3.1 verifies and 3.0 does not, which is why the profile of 3.0 has it as a
// fault: the thumbprints of EC and Ed25519 keys.
func TestP63_30RefusesWhatItsProfileRefuses(t *testing.T) {
	t.Parallel()
	const service = "newer.test"
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			d := sharedSite(t).directory
			g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
				s["registries"] = []gate.Settings{{"service": service, "kind": "distribution3", "key_form": "rfc7638", "algorithm": algorithm}}
			})
			answer, err := g.Asker(service).Ask(t.Context(), "alice", d.Password)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("token = %d, %v", answer.Status, err)
			}
			for software, want := range map[string]int{"distribution3": http.StatusOK, "distribution3.0": http.StatusUnauthorized} {
				if status := api(t, startPrintedOn(t, g, "distribution3", software, service), answer.Token); status != want {
					t.Errorf("%s answers %d, want %d", software, status, want)
				}
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
