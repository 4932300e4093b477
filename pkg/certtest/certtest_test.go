package certtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/certtest"
)

// handshake connects a client to a server and gives the client's and the server's error.
func handshake(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		done <- conn.(*tls.Conn).Handshake()
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err == nil {
		defer conn.Close()
	}
	return err, <-done
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	ca, other := certtest.NewCA(t), certtest.NewCA(t)
	tests := []struct {
		name   string
		server certtest.Cert
		roots  *x509.CertPool
		ok     bool
	}{
		{"name", ca.Server(t, "ldap.test"), ca.Pool(), true},
		{"several names", ca.Server(t, "127.0.0.1", "other.test", "ldap.test"), ca.Pool(), true},
		{"wrong name", ca.Server(t, "other.test"), ca.Pool(), false},
		{"expired", ca.Expired(t, "ldap.test"), ca.Pool(), false},
		{"unknown authority", ca.Server(t, "ldap.test"), other.Pool(), false},
		{"client certificate", ca.Client(t, "ldap.test"), ca.Pool(), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err, _ := handshake(t,
				&tls.Config{RootCAs: tt.roots, ServerName: "ldap.test"},
				&tls.Config{Certificates: []tls.Certificate{tt.server.TLS}},
			)
			if (err == nil) != tt.ok {
				t.Errorf("handshake = %v, want success: %v", err, tt.ok)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	server := ca.Server(t, "ldap.test")
	client := ca.Client(t, "wharfgate")
	_, err := handshake(t,
		&tls.Config{RootCAs: ca.Pool(), ServerName: "ldap.test", Certificates: []tls.Certificate{client.TLS}},
		&tls.Config{Certificates: []tls.Certificate{server.TLS}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert},
	)
	if err != nil {
		t.Errorf("server refused the client: %v", err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	cert := ca.Server(t, "ldap.test")
	if _, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile); err != nil {
		t.Errorf("LoadX509KeyPair: %v", err)
	}
	data, err := os.ReadFile(ca.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		t.Error("CertFile holds no certificate")
	}
}
