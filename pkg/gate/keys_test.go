package gate_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestInitKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := gate.Bundle(s.config); !errors.Is(err, gate.ErrNoKeys) || !strings.Contains(err.Error(), "wharfgate keys init") {
		t.Errorf("Bundle without keys = %v, want ErrNoKeys with its remedy", err)
	}
	made, err := gate.InitKeys(s.config)
	if err != nil || len(made) != 2 {
		t.Fatal(made, err)
	}
	cert, key := made[0], made[1]
	if want := filepath.Join(s.config.StateDir, token.CACertFile); cert != want {
		t.Errorf("certificate %s, want %s", cert, want)
	}
	before := read(t, key)
	bundle, err := gate.Bundle(s.config)
	if err != nil || string(bundle) != read(t, cert) {
		t.Errorf("Bundle = %s, %v, want the certificate", bundle, err)
	}
	if _, err := gate.InitKeys(s.config); !errors.Is(err, token.ErrCAExists) || read(t, key) != before {
		t.Errorf("a second InitKeys = %v, want ErrCAExists and the same key", err)
	}
}

func TestInitKeysOfOwnCA(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.config.Keys = config.Keys{CACertFile: "own.crt", CAKeyFile: "own.key"}
	if _, err := gate.InitKeys(s.config); err == nil || !strings.Contains(err.Error(), "keys.ca_cert_file") {
		t.Errorf("InitKeys beside a CA of one's own = %v", err)
	}
	s.config.Keys.CACertFile = s.dir
	if _, err := gate.Bundle(s.config); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("Bundle of a folder = %v", err)
	}
}

// TestBundleHoldsNoKey: a key that somebody put beside the certificate does not end up in a registry's configuration.
func TestBundleHoldsNoKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	made, err := gate.InitKeys(s.config)
	if err != nil || len(made) != 2 {
		t.Fatal(made, err)
	}
	cert, key := made[0], made[1]
	if err := os.WriteFile(cert, []byte(read(t, cert)+read(t, key)), 0o600); err != nil {
		t.Fatal(err)
	}
	if bundle, err := gate.Bundle(s.config); !errors.Is(err, token.ErrInvalidCA) || len(bundle) != 0 {
		t.Errorf("Bundle = %d bytes, %v, want ErrInvalidCA", len(bundle), err)
	}
}
