package gate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// Settings is a configuration document: what a test edits before the gate reads it.
type Settings map[string]any

// Section returns a section of the document, which is made if absent.
func (s Settings) Section(name string) Settings {
	section, ok := s[name].(Settings)
	if !ok {
		section = Settings{}
		s[name] = section
	}
	return section
}

// Directory returns the first directory's section.
func (s Settings) Directory() Settings { return s["directories"].([]Settings)[0] }

// Service is the name of the first registry in [Default].
const Service = "registry.test"

// Default is a configuration that works: plain HTTP on loopback, one registry called [Service], one directory.
func Default(t testing.TB, dir string, d *slapd.Server) Settings {
	t.Helper()
	listen, operator := loopback.Ports(t, 1), loopback.Ports(t, 1)
	write(t, filepath.Join(dir, "bind.pw"), d.Password+"\n")
	return Settings{
		"listen": loopback.Address(listen), "public_url": "http://" + loopback.Host(listen),
		"operator":  Settings{"listen": loopback.Address(operator)},
		"state_dir": filepath.Join(dir, "state"),
		"keys":      Settings{"auto_create": true},
		"issuer":    "wharfgate.test",
		"audit":     Settings{"file": filepath.Join(dir, "audit.jsonl")},
		"log":       Settings{"format": "json", "level": "debug"},
		"registries": []Settings{{
			"service": Service, "algorithm": "ES256",
		}},
		"directories": []Settings{{
			"name": "corp", "default": true, "kind": "openldap", "servers": []string{d.URL},
			"tls":     Settings{"ca_file": d.CAFile},
			"bind":    Settings{"dn": d.BindDN, "password_file": filepath.Join(dir, "bind.pw")},
			"base_dn": d.BaseDN,
			"users":   Settings{"base_dn": "ou=people," + d.BaseDN},
			"groups":  Settings{"base_dn": "ou=groups," + d.BaseDN, "method": "member_search", "nested": true},
		}},
		"policy": Settings{"file": filepath.Join(dir, "policy.yaml")},
	}
}

// write writes a file that only its owner reads.
func write(t testing.TB, name, text string) {
	t.Helper()
	const private = 0o600
	if err := os.WriteFile(name, []byte(text), private); err != nil {
		t.Fatal(err)
	}
}

// document writes the settings as JSON, which is YAML, too.
func (s Settings) document(t testing.TB) string {
	t.Helper()
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
