package servers_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/pkg/certtest"
)

// copyFile writes a file's content to another name at once, as a tool that renews certificates does.
func copyFile(t *testing.T, to string, from ...string) {
	t.Helper()
	var all []byte
	for _, name := range from {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	replaceFile(t, to, string(all))
}

func replaceFile(t *testing.T, name, text string) {
	t.Helper()
	const private = 0o600
	if err := os.WriteFile(name+".new", []byte(text), private); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// present restarts a server with another certificate.
func present(t *testing.T, d *slapd.Server, certFile, keyFile string) {
	t.Helper()
	dir := filepath.Dir(d.CAFile)
	d.Kill(t)
	copyFile(t, filepath.Join(dir, "slapd.pem"), certFile)
	copyFile(t, filepath.Join(dir, "slapd.key"), keyFile)
	d.Restart(t)
}

// withNegativeSerial makes a certificate that no standard allows, by the authority of the server.
func withNegativeSerial(t *testing.T, d *slapd.Server) (certFile, keyFile string) {
	t.Helper()
	dir, ca := t.TempDir(), filepath.Dir(d.CAFile)
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	request := filepath.Join(dir, "request")
	run(t, "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
		"-addext", "subjectAltName=DNS:localhost", "-keyout", keyFile, "-out", request)
	run(t, "openssl", "x509", "-req", "-in", request, "-CA", d.CAFile, "-CAkey", filepath.Join(ca, "ca.key"), "-set_serial", "-42",
		"-copy_extensions", "copy", "-out", certFile)
	return certFile, keyFile
}

// TestLDAP51_TLSFaults: every fault of a server's TLS is named, with what the server presented, and no login is told
// that its password is wrong.
func TestLDAP51_TLSFaults(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	ca := certtest.NewCA(t)
	good, other, expired := ca.Server(t, "localhost"), ca.Server(t, "other.example.org"), ca.Expired(t, "localhost")
	odd, oddKey := withNegativeSerial(t, d)
	tests := []struct {
		name, cert, key, ca string
		want                []string
	}{
		{"wrong authority", good.CertFile, good.KeyFile, d.CAFile, []string{"is not trusted", "tls.ca_file", `the server presented: subject "CN=Test server"`, "issuer \"CN=Test CA", "localhost"}},
		{"wrong name", other.CertFile, other.KeyFile, ca.CertFile, []string{`not for "localhost"`, "other.example.org", "the server presented"}},
		{"expired", expired.CertFile, expired.KeyFile, ca.CertFile, []string{"has expired", "the server presented", "valid "}},
		{"negative serial", odd, oddKey, d.CAFile, []string{"negative serial number"}},
	}
	for _, tt := range tests {
		present(t, d, tt.cert, tt.key)
		g := start(t, d, func(s gate.Settings) { s.Directory()["tls"] = gate.Settings{"ca_file": tt.ca} })
		for range 4 {
			if answer := g.Ask(t, "alice", d.Password); answer.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s, want 503", tt.name, answer.Status, answer.Body)
			}
		}
		said := g.Run(t, "", "check --online")
		if said.Code == 0 {
			t.Errorf("%s: check finds nothing\n%s", tt.name, said.Out)
		}
		for _, want := range tt.want {
			if !strings.Contains(said.Out+said.Err, want) {
				t.Errorf("%s: check does not say %q\n%s%s", tt.name, want, said.Out, said.Err)
			}
			if logged := strings.ReplaceAll(g.Process.Err.String(), `\"`, `"`); !strings.Contains(logged, want) {
				t.Errorf("%s: the log does not say %q", tt.name, want)
			}
		}
	}
}

// TestLDAP51_OldTLS: a server that offers nothing from TLS 1.2 on is refused, and that is said.
func TestLDAP51_OldTLS(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{Configuration: "TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT"})
	g := start(t, d)
	if answer := g.Ask(t, "alice", d.Password); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("TLS 1.1 = %d, want 503", answer.Status)
	}
	if said := g.Run(t, "", "check --online"); said.Code == 0 || !strings.Contains(said.Out+said.Err, "no TLS 1.2 or later") {
		t.Errorf("check --online = %d\n%s%s", said.Code, said.Out, said.Err)
	}
}

// external binds the service account by the client certificate.
func external(certFile, keyFile string) func(gate.Settings) {
	return func(s gate.Settings) {
		s.Directory()["bind"] = gate.Settings{"mechanism": "external"}
		s.Directory()["tls"].(gate.Settings)["cert_file"] = certFile
		s.Directory()["tls"].(gate.Settings)["key_file"] = keyFile
	}
}

// TestLDAP53_External: the service account is whom the server takes the client certificate for; without one that it
// knows, that is a fault of the configuration and no password is wrong.
func TestLDAP53_External(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.AddGroup(t, slapd.Names, "payments", d.PersonDN("alice"))
	g := start(t, d, external(d.ClientCertFile, d.ClientKeyFile))
	if a := g.MustGrant(t, "alice", d.Password, "repository:teams/payments/x:pull,push"); len(a.Claims.Access) != 1 {
		t.Errorf("alice gets %+v, want the folder of the group", a.Claims.Access)
	}
	log := string(d.Log(t))
	if !strings.Contains(log, `mech=EXTERNAL`) || strings.Contains(log, `BIND dn="`+d.BindDN) {
		t.Error("the service account is not bound by its certificate alone")
	}
	if said := g.Run(t, "", "check --online"); said.Code != 0 || strings.Contains(said.Out, "anonymous") {
		t.Errorf("check --online = %d\n%s%s", said.Code, said.Out, said.Err)
	}

	stranger := certtest.NewCA(t).Client(t, "stranger")
	unknown := start(t, d, external(stranger.CertFile, stranger.KeyFile))
	if answer := unknown.Ask(t, "alice", d.Password); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("a certificate of another authority = %d, want 503", answer.Status)
	}
}

// TestLDAP53_CertificateAndPassword: a server that wants a client certificate of everybody, and then a password.
func TestLDAP53_CertificateAndPassword(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{Configuration: "TLSVerifyClient demand"})
	with := func(s gate.Settings) {
		s.Directory()["tls"].(gate.Settings)["cert_file"] = d.ClientCertFile
		s.Directory()["tls"].(gate.Settings)["key_file"] = d.ClientKeyFile
	}
	start(t, d, with).MustGrant(t, "alice", d.Password)
	g := start(t, d)
	if answer := g.Ask(t, "alice", d.Password); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("without a certificate = %d, want 503", answer.Status)
	}
	if said := g.Run(t, "", "check --online"); said.Code == 0 || !strings.Contains(said.Out+said.Err, "client certificate") {
		t.Errorf("check --online = %d\n%s%s", said.Code, said.Out, said.Err)
	}
}

// setServicePassword changes the service account's password, at a server that wants a client certificate.
func setServicePassword(t *testing.T, d *slapd.Server, password string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(d.ClientCertFile, d.ClientKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	config := d.TLS(t)
	config.Certificates = []tls.Certificate{pair}
	c, err := ldap.DialURL(d.URL, ldap.DialWithTLSConfig(config))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	m := ldap.NewModifyRequest(d.BindDN, nil)
	m.Replace("userPassword", []string{password})
	settled := ldap.NewModifyRequest(d.BindDN, nil)
	settled.Replace("pwdReset", nil) // which the server sets when an administrator changes a password
	if err := errors.Join(c.Bind(d.RootDN, d.RootPassword), c.Modify(m), c.Modify(settled)); err != nil {
		t.Fatal(err)
	}
}

// TestLDAP54_Rotation: CA file, client certificate and bind password change under load, without a restart and without
// a request that fails; what is bad in between is not taken. New connections then need what is new.
func TestLDAP54_Rotation(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{Configuration: "TLSVerifyClient demand"})
	dir := t.TempDir()
	caFile, certFile, keyFile, passwordFile := filepath.Join(dir, "ca"), filepath.Join(dir, "crt"), filepath.Join(dir, "key"), filepath.Join(dir, "pw")
	copyFile(t, caFile, d.CAFile)
	copyFile(t, certFile, d.ClientCertFile)
	copyFile(t, keyFile, d.ClientKeyFile)
	replaceFile(t, passwordFile, d.Password)
	g := start(t, d, uncached, func(s gate.Settings) {
		s.Directory()["tls"] = gate.Settings{"ca_file": caFile, "cert_file": certFile, "key_file": keyFile}
		s.Directory()["bind"] = gate.Settings{"dn": d.BindDN, "password_file": passwordFile}
	})
	load := startLoad(t, g, d.Password, clients)
	load.Await(t, http.StatusOK, 10*clients)

	servers, people := certtest.NewCA(t), certtest.NewCA(t)
	renewed := servers.Server(t, "localhost")
	client := people.Issue(t, &x509.Certificate{
		Subject:  pkix.Name{CommonName: "svc-cert", OrganizationalUnit: []string{"clients"}, Organization: []string{"Testbed"}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	const password = "another password"
	setServicePassword(t, d, password)
	for _, change := range []func(){
		func() { replaceFile(t, caFile, "half a file") },
		func() { replaceFile(t, passwordFile, "") },
		func() { copyFile(t, certFile, client.CertFile) }, // the key is still the old one
		func() { copyFile(t, keyFile, client.KeyFile) },
		func() { copyFile(t, caFile, d.CAFile, servers.CertFile) },
		func() { replaceFile(t, passwordFile, password+"\n") },
	} {
		change()
		load.Await(t, http.StatusOK, 2*clients)
	}
	load.Stop(t)
	if n := load.Answers(http.StatusServiceUnavailable); n > 0 {
		t.Errorf("%d requests failed while files changed", n)
	}

	// From now on the server has another authority, and takes only the new client certificate and password.
	copyFile(t, filepath.Join(filepath.Dir(d.CAFile), "ca.pem"), people.CertFile)
	present(t, d, renewed.CertFile, renewed.KeyFile)
	loopback.Eventually(t, recovery, func() error {
		if answer := g.Ask(t, "alice", d.Password); answer.Status != http.StatusOK {
			return errNotServed
		}
		return nil
	})
	log := g.Process.Err.String()
	for _, key := range []string{"tls.ca_file", "tls.cert_file", "bind.password_file"} {
		if !strings.Contains(log, `"msg":"changed file taken over","directory":"corp","key":"`+key) {
			t.Errorf("the log does not say that %s was taken over", key)
		}
	}
	if answer := g.MustGrant(t, "nora", d.Password); answer.Took > time.Second {
		t.Errorf("after the rotation a login takes %v", answer.Took)
	}
}
