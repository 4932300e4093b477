package config_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/config"
)

var update = flag.Bool("update", false, "write golden files and generated documentation")

// golden compares got with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it):\ngot\n%s\nwant\n%s", path, got, want)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(%q) = %v, %v", pattern, files, err)
	}
	return files
}

// TestLoadInvalid holds each rule by one bad file and its exact message. P24 is among them.
func TestLoadInvalid(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "testdata/invalid-*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(path)
			if _, ok := errors.AsType[config.Faults](err); !ok {
				t.Fatalf("Load(%q) = %v, want Faults", path, err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestLoadValid(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "testdata/valid-*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(path)
			if err != nil {
				t.Fatalf("Load(%q) = %v", path, err)
			}
			if err := c.Validate(); err != nil {
				t.Errorf("Validate = %v", err)
			}
			if again := c.Effective(); !reflect.DeepEqual(again, c) {
				t.Errorf("Effective of a loaded Config = %+v, want %+v", again, c)
			}
			roundTrip(t, c)
		})
	}
}

// roundTrip writes a configuration out and reads it again.
func roundTrip(t *testing.T, c config.Config) {
	t.Helper()
	text, err := yaml.Dump(c)
	if err != nil {
		t.Fatal(err)
	}
	kept := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool {
		return strings.HasSuffix(line, ": null") // an absent key that has no default
	})
	again, err := config.Parse("y.yaml", []byte(strings.Join(kept, "\n")))
	if err != nil {
		t.Fatalf("Parse of a written Config = %v\n%s", err, text)
	}
	if text2, err := yaml.Dump(again); err != nil || string(text2) != string(text) {
		t.Errorf("after a round trip:\n%s\nwant\n%s", text2, text)
	}
}

func TestP24_TokenLifetimeBelowAMinuteIsRefused(t *testing.T) {
	t.Parallel()
	_, err := config.Load("testdata/invalid-P24-token-lifetime.yaml")
	if err == nil || !strings.Contains(err.Error(), "registries[0].token_lifetime: must be between 60s and 24h") {
		t.Errorf("Load = %v, want a refusal of 59s", err)
	}
}

func TestLoadFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	big := filepath.Join(folder, "big.yaml")
	if err := os.WriteFile(big, []byte(strings.Repeat("# comment\n", 200_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, want string }{
		{filepath.Join(folder, "absent.yaml"), "cannot be opened: no such file or directory"},
		{folder, "cannot be read: is a directory"},
		{big, "is larger than 1048576 bytes"},
	} {
		_, err := config.Load(tc.path)
		if want := tc.path + ": " + tc.want + "; name a readable file"; err == nil || err.Error() != want {
			t.Errorf("Load(%q) = %v, want %s", tc.path, err, want)
		}
	}
	if _, err := config.Load(filepath.Join(folder, "absent.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of an absent file = %v, want fs.ErrNotExist inside", err)
	}
}

func TestLoadResolvesFiles(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("/etc/wharfgate/wharfgate.yaml", read(t, "testdata/valid-behind-proxy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Directories[0]
	for _, tc := range []struct{ got, want string }{
		{c.Keys.CACertFile, "/etc/wharfgate/ca.crt"},
		{c.Policy.File, "/etc/wharfgate/policies/main.yaml"},
		{c.Audit.File, "/var/log/wharfgate/audit.log"},
		{c.StateDir, "/srv/wharfgate"},
		{d.TLS.CAFile, "/etc/wharfgate/ca.pem"},
		{d.Bind.PasswordFile, "/run/secrets/bind.pw"},
		{c.TLS.CertFile, ""},
	} {
		if tc.got != tc.want {
			t.Errorf("path = %q, want %q", tc.got, tc.want)
		}
	}
	if d.Timeouts.Operation != 1500*time.Millisecond {
		t.Errorf("timeouts.operation = %v", d.Timeouts.Operation)
	}
}

func TestFaultsJSON(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("w.yaml", []byte("listen: \"127.0.0.1:1\"\nissuer: 12\n"))
	faults, _ := errors.AsType[config.Faults](err)
	text, err := json.Marshal(faults)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"file":"w.yaml","line":2,"column":9,"path":"issuer","message":"must be a text, not \"12\"","remedy":"put it in quotes: \"12\""}`
	if !strings.Contains(string(text), want) {
		t.Errorf("Marshal = %s, want %s in it", text, want)
	}
}

// TestValidateMadeInGo shows that a Config made without a file is held to the same rules.
func TestValidateMadeInGo(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Listen = "127.0.0.1:0"
	c.Registries = []config.Registry{config.DefaultRegistry("registry.test")}
	d := config.DefaultDirectory("corp", "openldap")
	d.Servers = []string{"ldaps://127.0.0.1:636"}
	d.Bind = config.Bind{DN: "cn=gate,dc=test", PasswordFile: "/x"}
	d.BaseDN = "dc=test"
	c.Directories = []config.Directory{d}
	c.Policy.File = "/policy.yaml"
	if err := c.Validate(); err != nil {
		t.Fatalf("Validate = %v", err)
	}
	c.Registries[0].TokenLifetime = time.Second
	c.Directories[0].Servers = nil
	want := "directories[0].servers: required; list the directory's servers, such as [ldaps://ldap1.corp.example]\n" +
		"registries[0].token_lifetime: must be between 60s and 24h, not 1s"
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate = %v, want %s", err, want)
	}
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestEqualIgnoresTheText(t *testing.T) {
	t.Parallel()
	text := string(read(t, "testdata/valid-least.yaml"))
	a, _ := config.Parse("a/w.yaml", []byte(text))
	b, _ := config.Parse("a/w.yaml", []byte("# comment\n"+text+"issuer: wharfgate\n"))
	other, _ := config.Parse("a/w.yaml", []byte(text+"issuer: other\n"))
	if !a.Equal(b) || a.Equal(other) {
		t.Errorf("Equal with a comment = %v, with another issuer = %v, want true and false", a.Equal(b), a.Equal(other))
	}
}
