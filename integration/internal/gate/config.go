package gate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
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

// Directory is a server that a gate can ask: slapd, Samba, 389-ds.
type Directory interface {
	// Configuration is its section of the configuration, all but the name, default, and bind.password_file.
	Configuration() map[string]any
	// ServicePassword is the password of the account in bind.dn.
	ServicePassword() string
}

// Section is a directory's section of the configuration under a name. The password of its service account is written to
// a file in dir.
func Section(t testing.TB, dir, name string, d Directory) Settings {
	t.Helper()
	s := settings(d.Configuration())
	s["name"] = name
	s.Section("bind")["password_file"] = filepath.Join(dir, name+".pw")
	write(t, filepath.Join(dir, name+".pw"), d.ServicePassword()+"\n")
	return s
}

// settings gives the same document with sections that tests can edit.
func settings(document map[string]any) Settings {
	s := Settings{}
	for key, value := range document {
		if section, ok := value.(map[string]any); ok {
			value = settings(section)
		}
		s[key] = value
	}
	return s
}

// Service is the name of the first registry in [Default].
const Service = "registry.test"

// Default is a configuration that works: plain HTTP on loopback, one registry called [Service], one directory.
func Default(t testing.TB, dir string, d Directory) Settings {
	t.Helper()
	listen, operator := loopback.Ports(t, 1), loopback.Ports(t, 1)
	corp := Section(t, dir, "corp", d)
	corp["default"] = true
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
		"directories": []Settings{corp},
		"policy":      Settings{"file": filepath.Join(dir, "policy.yaml")},
	}
}

// Patient makes a gate wait for its directory as long as it can be told to, for tests in which it does not count how fast
// a busy machine is.
func Patient(s Settings) {
	s.Section("limits")["request_timeout"] = "10s"
	s.Directory()["timeouts"] = Settings{"operation": "9s"}
}

// WithoutAddressLimit lets one address fail as often as it likes: all clients of a test come from one.
func WithoutAddressLimit(s Settings) {
	s["failed_logins_per_address"] = Settings{"exempt": []string{"127.0.0.0/8", "::1/128"}}
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
