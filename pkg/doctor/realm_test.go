package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/doctor"
)

// TestP76_RealmsThatClientsRefuse: http, addresses, names that stand for this machine or the link, other hosts.
func TestP76_RealmsThatClientsRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, realm, address string
		want                 doctor.Status
		text                 string
	}{
		{"private name", "https://gate.test/auth/token", "10.1.2.3", doctor.Warning, `on "gate.test" and the registry on "127.0.0.1"`},
		{"http", "http://gate.test/auth/token", "10.1.2.3", doctor.Fault, "http and the registry https"},
		{"loopback address", "https://127.0.0.9/auth/token", "", doctor.Fault, "the address 127.0.0.9"},
		{"loopback address, version 6", "https://[::1]:5001/auth/token", "", doctor.Fault, "the address ::1"},
		{"mapped loopback", "https://[::ffff:127.0.0.9]/auth/token", "", doctor.Fault, "the address 127.0.0.9"},
		{"private address", "https://192.168.0.1/auth/token", "", doctor.Fault, "the address 192.168.0.1"},
		{"unique local address", "https://[fd00::1]/auth/token", "", doctor.Fault, "the address fd00::1"},
		{"link-local address", "https://169.254.169.254/auth/token", "", doctor.Fault, "the address 169.254.169.254"},
		{"public address", "https://203.0.113.7/auth/token", "", doctor.Warning, "the address 203.0.113.7"},
		{"name of loopback", "https://gate.test/auth/token", "127.0.0.1", doctor.Fault, "stands for 127.0.0.1"},
		{"name of loopback, version 6", "https://gate.test/auth/token", "::1", doctor.Fault, "stands for ::1"},
		{"name of the link", "https://gate.test/auth/token", "fe80::1", doctor.Fault, "stands for fe80::1"},
		{"name of metadata", "https://gate.test/auth/token", "169.254.169.254", doctor.Fault, "stands for 169.254.169.254"},
		{"name of metadata, version 6", "https://gate.test/auth/token", "fd00:ec2::254", doctor.Fault, "stands for fd00:ec2::254"},
		{"unknown name", "https://gate.test/auth/token", "", doctor.Fault, "cannot be resolved"},
		{"no host", "https:///auth/token", "", doctor.Fault, "is not a URL that clients can ask"},
		{"relative", "/auth/token", "", doctor.Fault, "is not a URL that clients can ask"},
		{"user name", "https://alice:secret@gate.test/", "10.1.2.3", doctor.Fault, "is not a URL that clients can ask"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewTLSServer(challenging(`Bearer realm="` + tt.realm + `",service="registry.test"`))
			t.Cleanup(s.Close)
			o := happy()
			o.Registry, o.Resolve = s.URL, resolves(tt.address)
			o.Roots = x509.NewCertPool()
			o.Roots.AddCert(s.Certificate())
			found := of(lookAtRealm(t, o), doctor.CheckRealm)
			if !strings.Contains(texts(found), string(tt.want)+": ") || !strings.Contains(texts(found), tt.text) {
				t.Errorf("findings:\n%s\nwant a %s with %q", texts(found), tt.want, tt.text)
			}
			if tt.want == doctor.Warning && strings.Contains(texts(found), string(doctor.Fault)+": ") {
				t.Errorf("a fault where clients only have trouble:\n%s", texts(found))
			}
		})
	}
}

// lookAtRealm ends as soon as the realm would be asked, so that nobody outside is.
func lookAtRealm(t *testing.T, o doctor.Options) []doctor.Finding {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Waiting = func(what string) func() {
		if what == "following the realm" {
			cancel()
		}
		return func() {}
	}
	return run(ctx, t, o)
}

// TestP76_RealmOfTheRegistrysOwnHost: what clients excuse.
func TestP76_RealmOfTheRegistrysOwnHost(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.Config.Handler = challenging(`Bearer realm="` + s.URL + `/auth/token",service="registry.test"`)
	o := happy()
	o.Realm, o.Registry = s.URL+"/auth/token", s.URL
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(s.Certificate())
	if found := of(lookAtRealm(t, o), doctor.CheckRealm); len(found) != 1 || found[0].Status != doctor.Warning {
		t.Errorf("findings of the address of the registry itself:\n%s", texts(found))
	}
	o.Registry, o.Realm, o.Resolve = "", "https://localhost/auth/token", resolves("127.0.0.1")
	if found := of(lookAtRealm(t, o), doctor.CheckRealm); len(found) != 1 || found[0].Status != doctor.Warning {
		t.Errorf("findings of localhost without a registry:\n%s", texts(found))
	}
}
