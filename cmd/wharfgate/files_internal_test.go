package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/gate"
)

func TestKeysInit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	call(t, "", "keys", "export", "-c", s.config).want(t, exitFaults, "wharfgate keys init")
	call(t, "", "keys", "init", "-c", s.config).want(t, exitOK, filepath.Join(s.dir, "state", "ca.crt"), "wharfgate registry")
	for name, want := range map[string]fs.FileMode{"state": 0o700, "state/ca.key": 0o600, "state/ca.crt": 0o644} {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("mode of %s = %v (%v), want %o", name, info.Mode().Perm(), err, want)
		}
	}
	key := read(t, filepath.Join(s.dir, "state", "ca.key"))
	call(t, "", "keys", "init", "-c", s.config).want(t, exitFaults, "exists already")
	if read(t, filepath.Join(s.dir, "state", "ca.key")) != key {
		t.Error("the second keys init changed the key")
	}
	got := call(t, "", "keys", "export", "-c", s.config)
	got.want(t, exitOK)
	if got.out != read(t, filepath.Join(s.dir, "state", "ca.crt")) || strings.Contains(got.out, "PRIVATE") {
		t.Errorf("keys export prints:\n%s", got.out)
	}
}

// TestKeysInitSaysWhatIsNext: the commands that it prints are complete, and work as they are.
func TestKeysInitSaysWhatIsNext(t *testing.T) {
	t.Parallel()
	for registries, want := range map[string]string{
		"[{service: registry.test}]":                                                   "--format bundle > wharfgate.pem\n",
		"[{service: a.test}, {service: b.test, kind: zot}]":                            "--service b.test --format bundle > wharfgate-2.pem\n",
		"[{service: registry.test, kind: distribution3, key_form: jwks, key_name: k}]": "--format bundle > wharfgate.json\n",
	} {
		s := newSite(t, "REGISTRIES", registries)
		got := call(t, "", "keys", "init", "-c", s.config)
		got.want(t, exitOK, want)
		commands := 0
		for line := range strings.Lines(got.out) {
			words, ok := strings.CutPrefix(strings.TrimSpace(line), "wharfgate ")
			if !ok {
				continue
			}
			commands++
			words, _, _ = strings.Cut(words, " >")
			call(t, "", strings.Fields(words)...).want(t, exitOK)
		}
		if commands == 0 {
			t.Errorf("%s: no command is printed:\n%s", registries, got.out)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConfigSchema(t *testing.T) {
	t.Parallel()
	got := call(t, "", "config", "schema")
	got.want(t, exitOK)
	var schema struct {
		Schema     string                     `json:"$schema"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal([]byte(got.out), &schema); err != nil || schema.Schema == "" {
		t.Fatalf("config schema: %v\n%s", err, got.out)
	}
	// Every key of the example is known to it.
	for line := range strings.Lines(read(t, "../../deploy/examples/wharfgate.yaml")) {
		key, _, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(key, " #-") {
			continue
		}
		if schema.Properties[key] == nil {
			t.Errorf("the schema does not know the key %q of the example", key)
		}
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	s := newSite(t).withKeys(t)
	bundle := call(t, "", "keys", "export", "-c", s.config).out
	for _, kind := range []string{"distribution", "distribution2", "distribution3"} {
		for _, format := range []string{"yaml", "env", "compose", "bundle"} {
			t.Run(kind+" "+format, func(t *testing.T) {
				t.Parallel()
				got := call(t, "", "registry", "-c", s.config, "--for", kind, "--format", format)
				got.want(t, exitOK)
				if format == "bundle" {
					if got.out != bundle {
						t.Errorf("the bundle is not what keys export prints:\n%s", got.out)
					}
					return
				}
				if format == "compose" {
					if !strings.Contains(got.out, indent(6, bundle)) {
						t.Error("the bundle is not in the compose file")
					}
					got.out = strings.ReplaceAll(got.out, indent(6, bundle), "      BUNDLE")
				}
				golden(t, "registry-"+kind+"."+format, got.out)
			})
		}
	}
}

func TestRegistryFlags(t *testing.T) {
	t.Parallel()
	s := newSite(t, "REGISTRIES", "[{service: a.test}, {service: b$c.test, algorithm: RS256}]").withKeys(t)
	call(t, "", "registry", "-c", s.config).want(t, exitUsage, "--service: a.test, b$c.test")
	call(t, "", "registry", "-c", s.config, "--service", "c.test").want(t, exitUsage, "--service: a.test, b$c.test")
	call(t, "", "registry", "-c", s.config, "--service", "b$c.test", "--for", "distribution3").
		want(t, exitOK, `service: "b$c.test"`, "signingalgorithms: [RS256]")
	call(t, "", "registry", "-c", s.config, "--service", "b$c.test", "--format", "compose", "--bundle-path", "/x y.pem").
		want(t, exitOK, `REGISTRY_AUTH_TOKEN_SERVICE: "b$$c.test"`, `target: "/x y.pem"`)

	call(t, "", "registry", "-c", newSite(t).config).want(t, exitFaults, "wharfgate keys init")
	call(t, "", "registry", "-c", newSite(t, "public_url: PUBLIC_URL\n", "").withKeys(t).config).want(t, exitUsage, "public_url is not set")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t).withKeys(t)
	call(t, "", "check", "-c", s.config).want(t, exitOK, "ok       policy: 2 rules", "warning  directory corp: insecure_plaintext", "no faults")
	s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: [anyone], can: [pul], repos: [public/**]}\n")
	got := call(t, "", "check", "-c", s.config)
	got.want(t, exitFaults, "fault    policy: ", "policy.yaml:3:", "1 fault\n")
	if strings.Contains(got.out, "\x1b") {
		t.Error("there is color although nobody looks")
	}
	if err := os.Remove(filepath.Join(s.dir, "bind.pw")); err != nil {
		t.Fatal(err)
	}
	call(t, "", "check", "-c", s.config).want(t, exitFaults, "2 faults\n")

	var found struct {
		OK       bool
		Findings []gate.Finding
	}
	got = call(t, "", "check", "-c", s.config, "--json")
	got.want(t, exitFaults)
	if err := json.Unmarshal([]byte(got.out), &found); err != nil || found.OK || len(found.Findings) < 4 {
		t.Errorf("check --json = %s (%v)", got.out, err)
	}
}

func TestCheckOnline(t *testing.T) {
	t.Parallel()
	s := newSite(t).withKeys(t)
	got := call(t, "", "check", "-c", s.config, "--online")
	got.want(t, exitFaults, "no server could be asked", "2 faults\n")
	if got.err != "" {
		t.Errorf("it writes to standard error although nobody looks: %s", got.err)
	}
}

// TestCheckGoesOn: faults of the file do not hide those of what it names.
func TestCheckGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, "issuer", "isuer", "listen: LISTEN", "lisen: x")
	s.write(t, "policy.yaml", "version: 2\n")
	call(t, "", "check", "-c", s.config).want(t, exitFaults, "lisen", "keys init", "policy.yaml:1:")
	got := call(t, "", "check", "-c", "/nowhere/w.yaml")
	got.want(t, exitFaults, "cannot be opened", "1 fault\n")
}
