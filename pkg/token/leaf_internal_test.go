package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/certtest"
)

// newTestLeaf makes a CA and a leaf that are valid now.
func newTestLeaf(t *testing.T) (*CA, *leaf) {
	t.Helper()
	ca, err := newCA(time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLeaf(ca, ES256, time.Now(), DefaultLeafLifetime)
	if err != nil {
		t.Fatal(err)
	}
	return ca, l
}

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

// roots believes a signing CA as if it were one for servers.
func roots(ca *CA) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

func TestLeaf(t *testing.T) {
	t.Parallel()
	_, l := newTestLeaf(t)
	c := l.cert
	if c.KeyUsage != x509.KeyUsageDigitalSignature || c.IsCA || len(c.ExtKeyUsage) != 0 {
		t.Errorf("the leaf may do %v, %v, is a CA: %v", c.KeyUsage, c.ExtKeyUsage, c.IsCA)
	}
	if n := len(c.DNSNames) + len(c.IPAddresses) + len(c.EmailAddresses) + len(c.URIs); n != 0 {
		t.Errorf("the leaf has %d names", n)
	}
}

func TestServerWithLeafIsRefused(t *testing.T) {
	t.Parallel()
	ca, l := newTestLeaf(t)
	server := tls.Certificate{Certificate: [][]byte{l.cert.Raw, ca.cert.Raw}, PrivateKey: l.key}
	for _, name := range []string{"registry.corp.example", "x." + reservedDomain, l.cert.Subject.CommonName, "127.0.0.1"} {
		err, _ := handshake(t, &tls.Config{RootCAs: roots(ca), ServerName: name}, &tls.Config{Certificates: []tls.Certificate{server}})
		if err == nil {
			t.Errorf("a TLS client took a signing certificate for %q", name)
		}
	}
}

func TestClientWithLeafIsRefused(t *testing.T) {
	t.Parallel()
	ca, l := newTestLeaf(t)
	servers := certtest.NewCA(t)
	cert := servers.Server(t, "registry.test").TLS
	_, err := handshake(t,
		&tls.Config{
			RootCAs: servers.Pool(), ServerName: "registry.test",
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &tls.Certificate{Certificate: [][]byte{l.cert.Raw}, PrivateKey: l.key}, nil
			},
		},
		&tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: roots(ca), ClientAuth: tls.RequireAndVerifyClientCert},
	)
	if err == nil {
		t.Error("a TLS server took a signing certificate as a client's")
	}
}

// TestCAKeyMakesNoServer: also who has the CA's key cannot make a certificate that a TLS client takes.
func TestCAKeyMakesNoServer(t *testing.T) {
	t.Parallel()
	ca, _ := newTestLeaf(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"registry.corp.example", "127.0.0.1", "registry." + reservedDomain} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(7),
			Subject:      pkix.Name{CommonName: name},
			NotBefore:    time.Now().Add(-time.Hour),
			NotAfter:     time.Now().Add(time.Hour),
			KeyUsage:     x509.KeyUsageDigitalSignature,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{name}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
		if err != nil {
			t.Fatal(err)
		}
		server := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		err, _ = handshake(t, &tls.Config{RootCAs: roots(ca), ServerName: name}, &tls.Config{Certificates: []tls.Certificate{server}})
		if err == nil {
			t.Errorf("a TLS client took a certificate of the signing CA for %q", name)
		}
	}
}

func TestP64_WideCoordinates(t *testing.T) {
	t.Parallel()
	narrow := 0
	for range 2000 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		want := point[1] != 0 && point[33] != 0
		if !want {
			narrow++
		}
		if got, err := hasWideCoordinates(&key.PublicKey); err != nil || got != want {
			t.Errorf("hasWideCoordinates(%x) = %v, %v, want %v", point, got, err, want)
		}
	}
	if narrow == 0 {
		t.Error("no key in 2000 had a narrow coordinate, so that nothing was tried")
	}
}
