package backend_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// watched is a way to a server on which every request is seen.
type watched struct{ *tap.Tap }

// tapped makes one.
func tapped(t testing.TB, s *samba.Server) watched {
	t.Helper()
	return watched{tap.Start(t, hostPort(t, s.URL, "636"), s.TLS(t))}
}

// hostPort gives the address of a server's URL.
func hostPort(t testing.TB, text, port string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if u.Port() != "" {
		return u.Host
	}
	return u.Host + ":" + port
}

// use gives the edit that makes a Backend go this way.
func (w watched) use(t testing.TB) func(*ldap.Options) {
	t.Helper()
	return func(o *ldap.Options) {
		o.Servers = []string{w.URL}
		o.TLS = &tls.Config{RootCAs: bothPools(t, w.CAFile), MinVersion: tls.VersionTLS12}
	}
}

// trips gives the requests that were waited for since a mark.
func (w watched) trips(mark int) []tap.Request {
	var out []tap.Request
	for _, r := range w.Since(mark) {
		if r.IsTrip() {
			out = append(out, r)
		}
	}
	return out
}

// hostLog notes which addresses are connected to.
type hostLog struct {
	mu    sync.Mutex
	hosts []string
}

// dial is the Dialer of a Backend.
func (l *hostLog) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	l.hosts = append(l.hosts, address)
	l.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, address)
}

// all gives the addresses so far.
func (l *hostLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.hosts)
}

// has reports whether an address was connected to.
func (l *hostLog) has(address string) bool { return slices.Contains(l.all(), address) }

// bothPools trusts the authorities of some files.
func bothPools(t testing.TB, files ...string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, f := range files {
		ca, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pool.AppendCertsFromPEM(ca)
	}
	return pool
}
