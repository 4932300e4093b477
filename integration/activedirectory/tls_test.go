package activedirectory_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/pkg/certtest"
)

// checkSays runs the check and wants a fault with all of the words.
func checkSays(t *testing.T, g *gate.Gate, words ...string) {
	t.Helper()
	g.Run(t, "", "keys init")
	said := g.Run(t, "", "check", "--online")
	text := said.Out + said.Err
	if said.Code != 1 {
		t.Errorf("check --online = %d, want 1\n%s", said.Code, text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("check --online does not say %q:\n%s", word, text)
		}
	}
}

// TestLDAP51_TLSFaultsAreNamed: a server that cannot be trusted is refused, and the check says why.
func TestLDAP51_TLSFaultsAreNamed(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	ca := certtest.NewCA(t)
	t.Run("another authority", func(t *testing.T) {
		t.Parallel()
		checkSays(t, prepare(t, d, trusting(certtest.NewCA(t).CertFile)), "issuer", "is not trusted", "tls.ca_file", "CN=dc1."+d.Domain)
	})
	t.Run("another name", func(t *testing.T) {
		t.Parallel()
		cert := ca.Server(t, "dc9.corp.example")
		own := samba.Start(t, samba.Options{CertFile: cert.CertFile, KeyFile: cert.KeyFile})
		checkSays(t, prepare(t, own, trusting(ca.CertFile)), "dc9.corp.example", own.Address)
	})
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		cert := ca.Expired(t, "127.0.0.1")
		own := samba.Start(t, samba.Options{CertFile: cert.CertFile, KeyFile: cert.KeyFile})
		checkSays(t, prepare(t, own, trusting(ca.CertFile)), "expired")
	})
	t.Run("old version", func(t *testing.T) {
		t.Parallel()
		own := samba.Start(t, samba.Options{Configuration: "tls priority = NORMAL:-VERS-ALL:+VERS-TLS1.1"})
		checkSays(t, prepare(t, own), "version")
	})
	t.Run("made by itself", func(t *testing.T) {
		t.Parallel()
		own := samba.Start(t, samba.Options{OwnCertificate: true})
		checkSays(t, prepare(t, own), "certificate")
	})
	t.Run("negative serial number", func(t *testing.T) {
		t.Parallel()
		cert, key := negativeSerial(t)
		own := samba.Start(t, samba.Options{CertFile: cert, KeyFile: key})
		checkSays(t, prepare(t, own, trusting(ca.CertFile)), "negative serial")
	})
}

// trusting makes a gate believe another authority.
func trusting(caFile string) func(gate.Settings) {
	return func(s gate.Settings) { s.Directory()["tls"] = gate.Settings{"ca_file": caFile} }
}

// negativeSerial makes a certificate as Samba makes one in some years.
func negativeSerial(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "dc.pem"), filepath.Join(dir, "dc.key")
	args := []string{
		"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
		"-subj", "/CN=dc1", "-days", "1", "-set_serial", "-5",
	}
	made := exec.CommandContext(t.Context(), need.Tools(t, "openssl")[0], args...) //nolint:gosec // found by name
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	return cert, key
}

// TestLDAP52_PlaintextIsRefused: by the configuration, and, where that allows it, by the domain, with a remedy.
func TestLDAP52_PlaintextIsRefused(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	plain := func(s gate.Settings) {
		s.Directory()["servers"] = []string{d.PlainURL}
		delete(s.Directory(), "tls")
	}
	t.Run("configuration", func(t *testing.T) {
		t.Parallel()
		checkSays(t, prepare(t, d, plain), "start_tls")
	})
	t.Run("domain", func(t *testing.T) {
		t.Parallel()
		g := prepare(t, d, plain, func(s gate.Settings) { s.Directory()["insecure_plaintext"] = true })
		checkSays(t, g, "ldaps")
	})
	t.Run("allowed by both", func(t *testing.T) {
		t.Parallel()
		own := samba.Start(t, samba.Options{Plain: true})
		g := start(t, own, func(s gate.Settings) {
			s.Directory()["servers"] = []string{own.PlainURL}
			s.Directory()["insecure_plaintext"] = true
			delete(s.Directory(), "tls")
		})
		g.MustGrant(t, "alice", own.Password)
	})
	t.Run("start tls", func(t *testing.T) {
		t.Parallel()
		g := start(t, d, func(s gate.Settings) {
			s.Directory()["servers"] = []string{d.PlainURL}
			s.Directory()["tls"] = gate.Settings{"ca_file": d.CAFile, "start_tls": true}
		})
		g.MustGrant(t, "alice", d.Password)
	})
}
