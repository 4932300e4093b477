package gate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// maxSecretFile bounds what is read of a password file.
const maxSecretFile = 4 << 10

// secure sets what protects the connections to a directory, and what proves its service account. CAs, client
// certificate and password are read again when their files change.
func secure(o *ldap.Options, d config.Directory, log *slog.Logger) error {
	log = log.With("directory", d.Name)
	o.StartTLS, o.InsecurePlaintext = d.TLS.StartTLS, d.InsecurePlaintext
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if c := d.TLS; c.CAFile != "" {
		roots := newRotating("tls.ca_file", log, func() (*x509.CertPool, error) { return readPool(c.CAFile) }, c.CAFile)
		if _, err := roots.get(); err != nil {
			return fmt.Errorf("tls.ca_file: %w", err)
		}
		o.RootCAs = func() *x509.CertPool {
			pool, _ := roots.get() // there is a good one
			return pool
		}
	}
	if c := d.TLS; c.CertFile != "" {
		pair := newRotating("tls.cert_file", log, func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &pair, err
		}, c.CertFile, c.KeyFile)
		if _, err := pair.get(); err != nil {
			return fmt.Errorf("tls.cert_file: %w", err)
		}
		o.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get() }
	}
	if o.External = d.Bind.Mechanism == "external"; !o.External {
		password := newRotating("bind.password_file", log, func() (identity.Secret, error) { return readSecret(d.Bind.PasswordFile) }, d.Bind.PasswordFile)
		o.BindDN, o.BindPassword = d.Bind.DN, password.get
	}
	return nil
}

// readPool reads a file of CA certificates.
func readPool(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return pool, nil
}

// readSecret reads a secret that is the whole of a file but for one line break at its end.
func readSecret(path string) (identity.Secret, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return identity.Secret{}, fmt.Errorf("read secret: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return identity.Secret{}, fmt.Errorf("read secret: %w", err)
	case len(data) > maxSecretFile:
		return identity.Secret{}, fmt.Errorf("read secret: %s is larger than %d bytes", path, maxSecretFile)
	case !utf8.Valid(data):
		return identity.Secret{}, fmt.Errorf("read secret: %s is not UTF-8", path)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return identity.Secret{}, errors.New("read secret: " + path + " is empty")
	}
	return identity.NewSecret(text), nil
}
