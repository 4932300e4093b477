package integration_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/pkg/certtest"
)

func TestTokenEndpointWithTLSWhoseCertificateChanges(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	ca := certtest.NewCA(t)
	cert := ca.Server(t, "localhost")
	g := startGate(t, d, func(s gate.Settings) {
		s["tls"] = gate.Settings{"cert_file": cert.CertFile, "key_file": cert.KeyFile}
		s["public_url"] = strings.Replace(s["public_url"].(string), "http:", "https:", 1)
	})
	host := distribution.StartV3(t, g.Auth(serviceV3))
	push := func(c *client.Client) error {
		c.Trust(ca.CertFile)
		if _, err := c.Login(t.Context(), host, "alice", d.Password); err != nil {
			return err
		}
		_, err := c.Push(t.Context(), client.Image(t, 1), host+"/payments/over-tls:1")
		return err
	}
	for _, c := range []*client.Client{client.Skopeo(t), client.Crane(t)} {
		if err := push(c); err != nil {
			t.Errorf("push through TLS: %v", err)
		}
	}

	next := ca.Server(t, "localhost")
	for from, to := range map[string]string{next.CertFile: cert.CertFile, next.KeyFile: cert.KeyFile} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	loopback.Eventually(t, recovery, func() error {
		serial, err := shownSerial(t, g.URL, ca)
		if err == nil && serial != next.TLS.Leaf.SerialNumber.String() {
			err = errors.New("the gate still shows its old certificate")
		}
		return err
	})
	if err := push(client.Crane(t)); err != nil {
		t.Errorf("push after the certificate changed: %v", err)
	}
}

// shownSerial is the serial number of the certificate that the gate shows.
func shownSerial(t *testing.T, address string, ca *certtest.CA) (string, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	c, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}
