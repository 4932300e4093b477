package distribution

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gotool"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

// Program is a registry that runs as a program.
type Program struct {
	// Host is its host and port.
	Host string
	// Process is the program.
	Process *proc.Process
}

// StartV2 runs Debian's docker-registry until the test ends, or skips the test where it is missing.
func StartV2(t testing.TB, a Auth) *Program {
	t.Helper()
	port := loopback.Ports(t, 1)
	return start(t, v2(t), a.document(t, port), port)
}

// StartV2From runs Debian's docker-registry on a configuration document of the caller's, whose http.addr must
// be the given port of the loopback address, and on variables, each NAME=value, that complete it.
func StartV2From(t testing.TB, document []byte, port int, variables ...string) *Program {
	t.Helper()
	return start(t, v2(t), document, port, variables...)
}

// StartV30From is [StartV2From] with the registry of distribution 3.0, of the version in registry30/go.mod.
func StartV30From(t testing.TB, document []byte, port int, variables ...string) *Program {
	t.Helper()
	program := gotool.Build(t, "registry30", "integration", "internal", "distribution", "registry30")
	return start(t, program, document, port, append(variables, "OTEL_TRACES_EXPORTER=none")...)
}

func v2(t testing.TB) string { t.Helper(); return need.Tools(t, "docker-registry")[0] }

// document is the configuration of a registry that keeps everything in memory, allows deletes and tells no one.
func (a Auth) document(t testing.TB, port int) []byte {
	t.Helper()
	settings := map[string]any{
		"version": "0.1",
		"log":     map[string]any{"level": "warn", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{
			"inmemory": map[string]any{}, "delete": map[string]any{"enabled": true},
			"maintenance": map[string]any{"uploadpurging": map[string]any{"enabled": false}},
		},
		"http": map[string]any{"addr": loopback.Address(port), "secret": "of one run"},
	}
	if a != (Auth{}) {
		settings["auth"] = map[string]any{"token": a.settings()}
	}
	document, err := json.Marshal(settings) // which is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func start(t testing.TB, program string, document []byte, port int, variables ...string) *Program {
	t.Helper()
	file := filepath.Join(t.TempDir(), "registry.yaml")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(registryEnvironment(), variables...)
	p := &Program{Host: loopback.Host(port), Process: proc.Start(t, env, program, "serve", file)}
	const patience = 20 * time.Second
	loopback.Eventually(t, patience, func() error { return p.answers(t) })
	return p
}

// answers asks for the API without a token, which is refused unless nobody is asked for anything.
func (p *Program) answers(t testing.TB) error {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Host+"/v2/", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.Process.Err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the registry answers %s without a token", answer.Status)
	}
	return nil
}

// registryEnvironment is ours without what distribution would read as configuration: among it
// REGISTRY_AUTH_FILE, which belongs to skopeo.
func registryEnvironment() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "REGISTRY_") {
			env = append(env, pair)
		}
	}
	return env
}
