package gate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// maxSecretFile bounds what is read of a password file.
const maxSecretFile = 4 << 10

// directoryParts are one configured directory.
type directoryParts struct {
	name          string
	backend       *ldap.Backend
	authenticator *directory.Authenticator
	cached        *directory.Cached
	wrong         *guard.WrongPasswords
	admissions    *guard.Admissions
	guards        *guards
}

// directoryObservers are told what happens in a directory.
type directoryObservers struct {
	wire ldap.Observer
	flow directory.Observer
}

// newDirectory builds a directory and its login flow with guards that others use too. It asks no server.
func newDirectory(cfg config.Config, d config.Directory, log *slog.Logger, g *guards, addresses *guard.Addresses, o directoryObservers) (*directoryParts, error) {
	options, err := ldapOptions(cfg, d)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", d.Name, err)
	}
	options.Logger, options.Observer = log, o.wire
	backend, err := ldap.New(options)
	if err != nil {
		return nil, err
	}
	cached, err := directory.NewCached(directory.CachedOptions{
		Backend: backend, Source: d.Name, Size: d.Cache.Size, TTL: d.Cache.TTL, StaleIfDown: d.Cache.StaleIfDown,
		QuestionTimeout: questionTimeout(cfg), Observer: o.flow,
	})
	if err != nil {
		return nil, err
	}
	wrong, err := guard.NewWrongPasswords(guard.WrongPasswordsOptions{Evicted: func() {
		if o.flow.Evicted != nil {
			o.flow.Evicted(d.Name, "wrong_password")
		}
	}})
	if err != nil {
		return nil, err
	}
	flow := directory.Options{
		Source: d.Name, Backend: cached, WrongPasswords: wrong, Addresses: addresses, Observer: o.flow, BindTimeout: questionTimeout(cfg),
	}
	if err := g.protect(&flow, cfg, d); err != nil {
		return nil, fmt.Errorf("directory %s: %w", d.Name, err)
	}
	auth, err := directory.New(flow)
	if err != nil {
		return nil, err
	}
	return &directoryParts{
		name: d.Name, backend: backend, authenticator: auth, cached: cached, wrong: wrong, admissions: flow.Admissions, guards: g,
	}, nil
}

// questionTimeout leaves a request the time to be answered from what is remembered when the directory hangs.
func questionTimeout(cfg config.Config) time.Duration { return cfg.Limits.RequestTimeout * 4 / 5 }

// wait returns when no question to the directory is under way.
func (d *directoryParts) wait() {
	d.authenticator.Wait()
	d.cached.Wait()
}

// close ends a directory that never ran: the policy may have asked it for groups.
func (d *directoryParts) close(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	_ = d.backend.Run(ctx) // it closes what is open, and never fails
	d.wait()
}

// state is an error if a server is out of service, and says which.
func (d *directoryParts) state() error {
	var away []string
	for _, s := range d.backend.Servers() {
		if !s.InService {
			away = append(away, s.Server)
		}
	}
	if len(away) > 0 {
		return fmt.Errorf("out of service: %s", strings.Join(away, ", "))
	}
	return nil
}

// ldapOptions translates the configuration of a directory.
func ldapOptions(cfg config.Config, d config.Directory) (ldap.Options, error) {
	tlsConfig, err := directoryTLS(d.TLS)
	if err != nil {
		return ldap.Options{}, err
	}
	warm := d.BindConnections.Min
	if warm == 0 {
		warm = -1 // zero means the default there
	}
	return ldap.Options{
		Source: d.Name, Kind: d.Kind, Servers: d.Servers, TLS: tlsConfig, StartTLS: d.TLS.StartTLS, InsecurePlaintext: d.InsecurePlaintext,
		BindDN:       d.Bind.DN,
		BindPassword: func() (identity.Secret, error) { return readSecret(d.Bind.PasswordFile) },
		BaseDN:       d.BaseDN,
		Users: ldap.Users{
			BaseDN: d.Users.BaseDN, Filter: d.Users.Filter, LoginAttributes: d.Users.LoginAttributes, IDAttribute: d.Users.IDAttribute,
			State: ldap.State(d.Users.State),
		},
		Groups: ldap.Groups{
			BaseDN: d.Groups.BaseDN, Filter: d.Groups.Filter, Method: ldap.Method(d.Groups.Method), Nested: d.Groups.FollowsNested(),
			MaxDepth: d.Groups.MaxDepth, NameAttribute: d.Groups.NameAttribute, IDAttribute: d.Groups.IDAttribute,
			MemberAttributes: d.Groups.MemberAttributes,
		},
		BindConnections: ldap.BindConnections{Min: warm, Max: d.BindConnections.Max},
		PageSize:        d.PageSize,
		Queue:           max(cfg.Limits.Queue, 1),
		Timeouts:        ldap.Timeouts{Dial: d.Timeouts.Dial, Operation: d.Timeouts.Operation, Stage: questionTimeout(cfg)},
	}, nil
}

// directoryTLS reads the CAs and the client certificate of a directory.
func directoryTLS(c config.DirectoryTLS) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pool, err := readPool(c.CAFile)
		if err != nil {
			return nil, err
		}
		t.RootCAs = pool
	}
	if c.CertFile != "" {
		// Read at each handshake, so that a renewed certificate needs no restart.
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &pair, err
		}
		if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
			return nil, fmt.Errorf("tls.cert_file: %w", err)
		}
	}
	return t, nil
}

// readPool reads a file of CA certificates.
func readPool(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("tls.ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("tls.ca_file: %s holds no PEM certificate", path)
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
