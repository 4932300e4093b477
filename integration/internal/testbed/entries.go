package testbed

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// Entries are those of a server, for an account that may change them. Make them with [NewEntries].
type Entries struct {
	url, dn, password string
	tls               func(testing.TB) *tls.Config
}

// NewEntries are the entries of the server at an ldaps URL, as the account of a DN may change them. The configuration is
// asked for at each connection.
func NewEntries(url, dn, password string, tls func(testing.TB) *tls.Config) Entries {
	return Entries{url: url, dn: dn, password: password, tls: tls}
}

// Add adds an entry. Attributes without values are left out.
func (e Entries) Add(t testing.TB, dn string, attributes map[string][]string) {
	t.Helper()
	add := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		if len(values) > 0 {
			add.Attribute(name, values)
		}
	}
	e.Change(t, func(c *ldap.Conn) error { return c.Add(add) })
}

// Remove deletes an entry.
func (e Entries) Remove(t testing.TB, dn string) {
	t.Helper()
	e.Change(t, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
}

// Set replaces the values of an attribute; none removes it.
func (e Entries) Set(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	m := ldap.NewModifyRequest(dn, nil)
	m.Replace(attribute, values)
	e.Change(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// AddValues adds values to an attribute.
func (e Entries) AddValues(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	m := ldap.NewModifyRequest(dn, nil)
	m.Add(attribute, values)
	e.Change(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// RemoveValues takes values out of an attribute.
func (e Entries) RemoveValues(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	m := ldap.NewModifyRequest(dn, nil)
	m.Delete(attribute, values)
	e.Change(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// Read returns the values of an entry's attributes, as the account sees them.
func (e Entries) Read(t testing.TB, dn string, attributes ...string) *ldap.Entry {
	t.Helper()
	var found *ldap.Entry
	e.Change(t, func(c *ldap.Conn) error {
		r, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes, nil))
		if err != nil {
			return err
		}
		if len(r.Entries) != 1 {
			return errors.New("no such entry")
		}
		found = r.Entries[0]
		return nil
	})
	return found
}

// Change does anything on a connection of the account.
func (e Entries) Change(t testing.TB, do func(*ldap.Conn) error) {
	t.Helper()
	c, err := ldap.DialURL(e.url, ldap.DialWithTLSConfig(e.tls(t)))
	if err != nil {
		t.Fatalf("reach %s: %v", e.url, err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(e.dn, e.password); err != nil {
		t.Fatalf("bind at %s as %s: %v", e.url, e.dn, err)
	}
	if err := do(c); err != nil {
		t.Fatalf("%s as %s: %v", e.url, e.dn, err)
	}
}

// Trust trusts the certificate authority in a file.
func Trust(t testing.TB, caFile string) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
