package ldap_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// host is the name of the first server of options.
const host = "ldap1.example.org"

// startTLS asks for StartTLS and trusts the authority.
func startTLS(ca *certtest.CA) func(*ldap.Options) {
	return func(o *ldap.Options) {
		o.StartTLS, o.InsecurePlaintext = true, false
		o.TLS = &tls.Config{RootCAs: ca.Pool()}
	}
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	s := newFakeServer()
	cert := ca.Server(t, host).TLS
	s.tls = &tls.Config{Certificates: []tls.Certificate{cert}}
	b := backend(t, options(startTLS(ca), s))
	if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
		t.Fatalf("login over StartTLS: %v", err)
	}
	status := b.Probe(t.Context())[0]
	if status.Err != nil || !status.CertificateNotAfter.Equal(cert.Leaf.NotAfter) || status.Vendor != "OpenLDAP" {
		t.Errorf("Probe = %+v, want no error, the certificate's end and OpenLDAP", status)
	}
	if len(status.Warnings) != 1 || !strings.Contains(status.Warnings[0], "certificate ends") {
		t.Errorf("warnings = %q, want one of the certificate's end", status.Warnings)
	}
}

// TestLDAP51_TLSFaults: what is wrong with TLS is named, with its remedy, and no password is sent.
func TestLDAP51_TLSFaults(t *testing.T) {
	t.Parallel()
	ca, other := certtest.NewCA(t), certtest.NewCA(t)
	good := ca.Server(t, host).TLS
	tests := []struct {
		name   string
		server *tls.Config
		want   string
		chain  bool
	}{
		{"wrong CA", &tls.Config{Certificates: []tls.Certificate{other.Server(t, host).TLS}}, "tls.ca_file", true},
		{"wrong name", &tls.Config{Certificates: []tls.Certificate{ca.Server(t, "other.example.org").TLS}}, `not for "` + host + `" (its names: other.example.org`, true},
		{"expired", &tls.Config{Certificates: []tls.Certificate{ca.Expired(t, host).TLS}}, "expired", true},
		{"TLS 1.1 only", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}, "TLS 1.2", false},
		{"no TLS", nil, "refuses StartTLS", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.tls = tt.server
			b := backend(t, options(startTLS(ca), s))
			_, a, err := prove(t.Context(), b)
			if !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Prove: %v, want ErrUnavailable that says %q", err, tt.want)
			}
			if chain := "the server presented: subject \"CN=Test server\""; tt.chain != strings.Contains(err.Error(), chain) {
				t.Errorf("Prove: %v, want the presented chain %t", err, tt.chain)
			}
			if status := b.Probe(t.Context())[0]; status.Err == nil || !strings.Contains(status.Err.Error(), tt.want) {
				t.Errorf("Probe: %v, want it to say %q", status.Err, tt.want)
			}
			if a.reserved != 0 || s.count(opBind, "") != 0 {
				t.Errorf("%d slots, %d binds, want none", a.reserved, s.count(opBind, ""))
			}
		})
	}
}

// TestLDAP42_SilenceAfterStartTLS: the handshake is bounded by the dial time-out.
func TestLDAP42_SilenceAfterStartTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		s.mute = true
		b, stop := running(t, options(startTLS(ca), s))
		defer stop()
		for _, ask := range []func() error{
			func() error { _, _, err := prove(t.Context(), b); return err },
			func() error { _, err := b.Find(t.Context(), "alice", 0); return err },
		} {
			start := time.Now()
			err := ask()
			if took := time.Since(start); !errors.Is(err, identity.ErrUnavailable) || took > 2100*time.Millisecond {
				t.Errorf("%v after %v, want ErrUnavailable within the dial time-out of 2s", err, took)
			}
		}
	})
}

// TestLDAP52_Plaintext: a server that wants encryption is a fault of the configuration, and says what to do.
func TestLDAP52_Plaintext(t *testing.T) {
	t.Parallel()
	if _, err := ldap.New(options(func(o *ldap.Options) { o.InsecurePlaintext = false }, newFakeServer())); err == nil || !strings.Contains(err.Error(), "insecure_plaintext") {
		t.Errorf("New with ldap:// and no StartTLS: %v, want an error that names insecure_plaintext", err)
	}
	for _, code := range []int64{8, 13} {
		s := newFakeServer()
		s.on(func(r request) *answer {
			if r.op == opBind {
				return &answer{result: true, code: code}
			}
			return nil
		})
		b := backend(t, options(nil, s))
		_, a, err := prove(t.Context(), b)
		a.settled(t, guard.NotSent)
		_, errFind := b.Find(t.Context(), "alice", 0)
		for _, err := range []error{err, errFind, b.Probe(t.Context())[0].Err} {
			if !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), "ldaps://") {
				t.Errorf("result %d: %v, want ErrUnavailable with the remedy", code, err)
			}
		}
	}
}
