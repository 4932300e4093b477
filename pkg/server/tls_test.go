package server_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// secure is a server with TLS whose files and clock a test moves.
type secure struct {
	*rig
	ca                *certtest.CA
	certFile, keyFile string
	address           string
	clock             atomic.Int64
	loaded, failed    atomic.Int64
}

// newSecure serves until the end of the test.
func newSecure(t *testing.T) *secure {
	t.Helper()
	s := &secure{ca: certtest.NewCA(t)}
	dir := t.TempDir()
	s.certFile, s.keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	s.install(t, "one.example")
	s.rig = newRig(t, func(o *server.Options, _ *granter) {
		o.CertFile, o.KeyFile = s.certFile, s.keyFile
		o.Now = func() time.Time { return time.Unix(1<<30, 0).Add(time.Duration(s.clock.Load())) }
		o.Observer.Certificate = func(time.Time) { s.loaded.Add(1) }
		o.Observer.CertificateError = func(error) { s.failed.Add(1) }
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.Serve(t.Context(), l) }()
	t.Cleanup(func() { // the test's context has ended by then
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// install replaces both files by a certificate for a host.
func (s *secure) install(t *testing.T, host string) {
	t.Helper()
	cert := s.ca.Server(t, host)
	move(t, cert.CertFile, s.certFile)
	move(t, cert.KeyFile, s.keyFile)
}

// move renames a file over another one.
func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// advance moves the clock by as long as the files rest between two looks.
func (s *secure) advance() { s.clock.Add(int64(time.Second)) }

// host makes a handshake and gives the host of the certificate that it saw.
func (s *secure) host(t *testing.T) string {
	t.Helper()
	config := &tls.Config{RootCAs: s.ca.Pool(), ServerName: "one.example", InsecureSkipVerify: true}
	conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0]
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	t.Parallel()
	s := newSecure(t)
	if got := s.host(t); got != "one.example" {
		t.Fatalf("host = %q, want one.example", got)
	}
	s.install(t, "two.example")
	if got := s.host(t); got != "one.example" {
		t.Errorf("host within the interval = %q, want one.example", got)
	}
	s.advance()
	if got := s.host(t); got != "two.example" {
		t.Errorf("host after the interval = %q, want two.example", got)
	}
	s.advance()
	if s.host(t); s.loaded.Load() != 2 || s.failed.Load() != 0 {
		t.Errorf("loaded %d times with %d errors, want 2 and 0", s.loaded.Load(), s.failed.Load())
	}
}

func TestBadCertificateKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	s := newSecure(t)
	s.host(t)
	next := s.ca.Server(t, "two.example")
	move(t, next.CertFile, s.certFile) // the first half of a renewal
	for range 3 {
		s.advance()
		if got := s.host(t); got != "one.example" {
			t.Errorf("host = %q, want one.example", got)
		}
	}
	if got := s.failed.Load(); got != 1 {
		t.Errorf("%d errors for one bad pair, want 1", got)
	}
	move(t, next.KeyFile, s.keyFile)
	s.advance()
	if got := s.host(t); got != "two.example" {
		t.Errorf("host = %q, want two.example", got)
	}
	if err := os.Remove(s.keyFile); err != nil {
		t.Fatal(err)
	}
	s.advance()
	if got := s.host(t); got != "two.example" {
		t.Errorf("host without a key file = %q, want two.example", got)
	}
}

func TestReloadCertificate(t *testing.T) {
	t.Parallel()
	s := newSecure(t)
	s.install(t, "two.example")
	if err := s.ReloadCertificate(); err != nil {
		t.Fatalf("ReloadCertificate: %v", err)
	}
	if got := s.host(t); got != "two.example" {
		t.Errorf("host = %q, want two.example", got)
	}
	if err := os.WriteFile(s.certFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.ReloadCertificate(); err == nil || !strings.Contains(err.Error(), s.certFile) {
		t.Errorf("ReloadCertificate = %v, want the file named", err)
	}
	if got := s.host(t); got != "two.example" {
		t.Errorf("host = %q, want two.example", got)
	}
	if err := newRig(t, nil).ReloadCertificate(); err != nil {
		t.Errorf("without TLS: %v", err)
	}
}

func TestTLSAnswersAndRefusesOldVersions(t *testing.T) {
	t.Parallel()
	s := newSecure(t)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.ca.Pool(), ServerName: "one.example"},
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	req := get(t)
	req.RequestURI, req.URL.Scheme, req.URL.Host = "", "https", s.address
	response, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("%s %s, want HTTP/2 and 200", response.Proto, response.Status)
	}
	old := &tls.Config{RootCAs: s.ca.Pool(), ServerName: "one.example", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", s.address); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

func TestNewReadsTheCertificate(t *testing.T) {
	t.Parallel()
	_, err := server.New(server.Options{
		Granter: &granter{}, Logger: newLogger(), CertFile: filepath.Join(t.TempDir(), "none.crt"), KeyFile: "none.key",
	})
	if err == nil || !strings.Contains(err.Error(), "none.crt") {
		t.Errorf("New = %v, want the file named", err)
	}
}
