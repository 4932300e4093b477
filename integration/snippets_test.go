package integration_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// snippet is a registry of TestP77 with what is printed for it.
type snippet struct {
	site    *site
	service string
	kind    string
}

// printed is what the command registry prints, unchanged: with the paths that it chooses.
func (s snippet) printed(t *testing.T, format string) string {
	t.Helper()
	got := s.site.gate.Run(t, "", "registry", "--service", s.service, "--format", format)
	if got.Code != 0 {
		t.Fatalf("registry --format %s exits with %d: %s", format, got.Code, got.Err)
	}
	return got.Out
}

// start runs the registry on a document and variables, and gives its host. Paths in the image become paths here.
func (s snippet) start(t *testing.T, document string, variables []string, files map[string]string) string {
	t.Helper()
	port := loopback.Ports(t, 1)
	pairs := []string{"addr: :5000", "addr: " + loopback.Address(port), `":5000"`, strconv.Quote(loopback.Address(port)), "/var/lib/registry", t.TempDir()}
	for name, content := range files {
		here := filepath.Join(t.TempDir(), path.Base(name))
		if err := os.WriteFile(here, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, name, here)
	}
	move := strings.NewReplacer(pairs...)
	for i := range variables {
		variables[i] = move.Replace(variables[i])
	}
	return startOn(t, s.kind, []byte(move.Replace(document)), port, variables...)
}

// plain is what an image brings along, which variables complete.
const plain = `{version: "0.1", storage: {inmemory: {}}, http: {addr: ":5000"}}`

// TestP77_EverySnippetStartsItsRegistry: YAML, environment, compose and Kubernetes, of 2.8, 3.0 and 3.1, with a bundle and
// with a JWK Set; each is complete, and the registry that runs on it believes the gate.
func TestP77_EverySnippetStartsItsRegistry(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{
			{"service": "v2.bundle.test", "kind": "distribution2"},
			{"service": "v2.libtrust.test", "kind": "distribution2", "key_form": "libtrust"},
			{"service": "v30.bundle.test", "kind": "distribution3.0", "algorithm": "EdDSA"},
			{"service": "v30.jwks.test", "kind": "distribution3.0", "key_form": "jwks"},
			{"service": "v3.bundle.test", "kind": "distribution3", "algorithm": "EdDSA"},
			{"service": "v3.jwks.test", "kind": "distribution3", "key_form": "jwks"},
		}
	})
	for service, kind := range map[string]string{
		"v2.bundle.test": "distribution2", "v2.libtrust.test": "distribution2",
		"v30.bundle.test": "distribution3.0", "v30.jwks.test": "distribution3.0",
		"v3.bundle.test": "distribution3", "v3.jwks.test": "distribution3",
	} {
		s := snippet{&site{directory: d, gate: g}, service, kind}
		for format, start := range map[string]func(*testing.T) string{
			"yaml": s.fromYAML, "env": s.fromEnvironment, "compose": s.fromCompose, "kubernetes": s.fromKubernetes,
		} {
			t.Run(service+" "+format, func(t *testing.T) {
				t.Parallel()
				p := pair{site: s.site, service: service, host: start(t), client: client.Crane}
				if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 1), p.host+"/payments/printed:1"); err != nil {
					t.Error(err)
				}
				if _, err := p.login(t, "carol").Pull(t.Context(), p.host+"/payments/printed:1"); err == nil {
					t.Error("carol pulled what she may not")
				}
			})
		}
	}
}

// trustPath finds where a printed document wants its bundle.
func trustPath(t *testing.T, text string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		for _, key := range []string{"rootcertbundle", "jwks", "ROOTCERTBUNDLE", "JWKS"} {
			if _, value, ok := strings.Cut(line, key+": "); ok {
				return strings.Trim(value, "\"\n")
			}
			if _, value, ok := strings.Cut(line, key+"="); ok {
				return strings.TrimSpace(value)
			}
		}
	}
	t.Fatalf("no bundle in\n%s", text)
	return ""
}

func (s snippet) fromYAML(t *testing.T) string {
	t.Helper()
	text := s.printed(t, "yaml")
	return s.start(t, text, nil, map[string]string{trustPath(t, text): s.printed(t, "bundle")})
}

func (s snippet) fromEnvironment(t *testing.T) string {
	t.Helper()
	text := s.printed(t, "env")
	var variables []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			variables = append(variables, strings.TrimSpace(line))
		}
	}
	return s.start(t, plain, variables, map[string]string{trustPath(t, text): s.printed(t, "bundle")})
}

func (s snippet) fromCompose(t *testing.T) string {
	t.Helper()
	var file struct {
		Services map[string]struct {
			Environment map[string]string
			Configs     []struct{ Source, Target string }
		}
		Configs map[string]struct{ Content string }
	}
	if err := yaml.Unmarshal([]byte(s.printed(t, "compose")), &file); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, c := range file.Services["registry"].Configs {
		files[c.Target] = file.Configs[c.Source].Content
	}
	var variables []string
	for name, value := range file.Services["registry"].Environment {
		variables = append(variables, name+"="+value)
	}
	return s.start(t, plain, variables, files)
}

func (s snippet) fromKubernetes(t *testing.T) string {
	t.Helper()
	resources := map[string]map[string]any{}
	for document := range strings.SplitSeq(s.printed(t, "kubernetes"), "\n---\n") {
		var r map[string]any
		if err := yaml.Unmarshal([]byte(document), &r); err != nil {
			t.Fatal(err)
		}
		resources[r["kind"].(string)] = r
	}
	for _, kind := range []string{"ConfigMap", "Deployment", "Service"} {
		if resources[kind] == nil {
			t.Fatalf("no %s is printed", kind)
		}
	}
	files := map[string]string{}
	var document string
	for name, content := range resources["ConfigMap"]["data"].(map[string]any) {
		if strings.HasPrefix(name, "config.") {
			document = content.(string)
			continue
		}
		files[path.Join("/etc/registry-config", name)] = content.(string)
	}
	if args := fmt.Sprint(resources["Deployment"]); !strings.Contains(args, "args:[/etc/registry-config/config.yml]") {
		t.Errorf("the container is not started on its configuration: %s", args)
	}
	return s.start(t, document, nil, files)
}

// TestP77_ZotSnippets: zot is not run here; what is printed has the form that it reads, and its own key.
func TestP77_ZotSnippets(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{{"service": "zot.test", "kind": "zot", "token_lifetime": "30m"}}
	})
	s := snippet{&site{directory: d, gate: g}, "zot.test", "zot"}
	var file struct {
		HTTP struct {
			Auth struct {
				Bearer struct{ Realm, Service, Cert string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(s.printed(t, "yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if b := file.HTTP.Auth.Bearer; b.Realm != g.Realm() || b.Service != "zot.test" || b.Cert != "/etc/zot/wharfgate.pem" {
		t.Errorf("bearer = %+v", b)
	}
	if bundle := s.printed(t, "bundle"); strings.Count(bundle, "BEGIN CERTIFICATE") != 1 {
		t.Errorf("zot reads one certificate, and gets\n%s", bundle)
	}
	for format, want := range map[string]string{"compose": "command: [serve, \"/etc/zot/config.yaml\"]", "kubernetes": "args: [serve, /etc/registry-config/config.yaml]"} {
		if text := s.printed(t, format); !strings.Contains(text, want) || !strings.Contains(text, "BEGIN CERTIFICATE") {
			t.Errorf("%s is not whole:\n%s", format, text)
		}
	}
	if got := g.Run(t, "", "registry", "--format", "env"); got.Code != 2 || !strings.Contains(got.Err, "zot reads no configuration from the environment") {
		t.Errorf("env of zot = %d %s", got.Code, got.Err)
	}
}
