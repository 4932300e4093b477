package backend_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
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
	ca, err := os.ReadFile(w.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *ldap.Options) {
		o.Servers = []string{w.URL}
		o.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		o.TLS.RootCAs.AppendCertsFromPEM(ca)
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
