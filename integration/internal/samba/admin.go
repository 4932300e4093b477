package samba

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// User is an account to add.
type User struct {
	// Name is its common name and, unless Login is set, its sAMAccountName; it must need no escaping.
	Name, Login string
	// Password is empty for everybody's.
	Password string
	// Attributes are further ones, such as mail. Its userPrincipalName is Name at the domain unless it is here; a
	// userPrincipalName without values leaves it out.
	Attributes map[string][]string
}

// AddUser adds an account to PeopleDN and returns its DN.
func (s *Server) AddUser(t testing.TB, u User) string {
	t.Helper()
	login, password := or(u.Login, u.Name), or(u.Password, s.Password)
	attributes := map[string][]string{
		"objectClass": {"user"}, "sAMAccountName": {login}, "userPrincipalName": {login + "@" + s.Domain},
		"userAccountControl": {"512"}, "unicodePwd": {unicodePassword(password)},
	}
	maps.Copy(attributes, u.Attributes)
	dn := s.UserDN(u.Name)
	s.Add(t, dn, attributes)
	return dn
}

// Scope is what kind of group a group is: the values of groupType.
type Scope string

// The scopes of groups.
const (
	// Global is a security group of the domain's own members.
	Global Scope = "-2147483646"
	// Universal is a security group of members of the whole forest.
	Universal Scope = "-2147483640"
	// DomainLocal is a security group that counts in its domain alone.
	DomainLocal Scope = "-2147483644"
	// Distribution is a global group that grants nothing.
	Distribution Scope = "2"
)

// AddGroup adds a group to GroupsDN, with a sAMAccountName like its name, and returns its DN.
func (s *Server) AddGroup(t testing.TB, scope Scope, name string, members ...string) string {
	t.Helper()
	s.AddGroupAt(t, scope, s.GroupDN(name), name, members...)
	return s.GroupDN(name)
}

// AddGroupAt is AddGroup for any place and any sAMAccountName.
func (s *Server) AddGroupAt(t testing.TB, scope Scope, dn, login string, members ...string) {
	t.Helper()
	s.Add(t, dn, map[string][]string{
		"objectClass": {"group"}, "groupType": {string(scope)}, "sAMAccountName": {login}, "member": members,
	})
}

// AddUnit adds an organizational unit.
func (s *Server) AddUnit(t testing.TB, dn string) {
	t.Helper()
	s.Add(t, dn, map[string][]string{"objectClass": {"organizationalUnit"}})
}

// Add adds an entry. Attributes without values are left out.
func (s *Server) Add(t testing.TB, dn string, attributes map[string][]string) {
	t.Helper()
	add := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		if len(values) > 0 {
			add.Attribute(name, values)
		}
	}
	s.write(t, func(c *ldap.Conn) error { return c.Add(add) })
}

// AddMember puts a DN into the group of a DN.
func (s *Server) AddMember(t testing.TB, group, member string) {
	t.Helper()
	m := ldap.NewModifyRequest(group, nil)
	m.Add("member", []string{member})
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// RemoveMember takes a DN out of the group of a DN.
func (s *Server) RemoveMember(t testing.TB, group, member string) {
	t.Helper()
	m := ldap.NewModifyRequest(group, nil)
	m.Delete("member", []string{member})
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// Set replaces the values of an attribute; none removes it.
func (s *Server) Set(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	m := ldap.NewModifyRequest(dn, nil)
	m.Replace(attribute, values)
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// SetPassword changes the password of the entry as an administrator does.
func (s *Server) SetPassword(t testing.TB, dn, password string) {
	t.Helper()
	s.Set(t, dn, "unicodePwd", unicodePassword(password))
}

// Disable turns the account of a DN off.
func (s *Server) Disable(t testing.TB, dn string) {
	t.Helper()
	s.Set(t, dn, "userAccountControl", "514")
}

// Enable turns the account of a DN on.
func (s *Server) Enable(t testing.TB, dn string) {
	t.Helper()
	s.Set(t, dn, "userAccountControl", "512")
}

// Move gives an entry another name, such as "CN=new", and another parent if that is not empty.
func (s *Server) Move(t testing.TB, dn, name, parent string) {
	t.Helper()
	s.write(t, func(c *ldap.Conn) error { return c.ModifyDN(ldap.NewModifyDNRequest(dn, name, true, parent)) })
}

// Remove deletes an entry.
func (s *Server) Remove(t testing.TB, dn string) {
	t.Helper()
	s.write(t, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
}

// Local sets an attribute past the rules of the server, such as pwdLastSet in the past.
func (s *Server) Local(t testing.TB, dn, attribute, value string) {
	t.Helper()
	s.script.MustRead(t, "dn: "+dn+"\nchangetype: modify\nreplace: "+attribute+"\n"+attribute+": "+value+"\n", "local")
}

// Read returns the values of an entry's attributes, as the administrator sees them.
func (s *Server) Read(t testing.TB, dn string, attributes ...string) *ldap.Entry {
	t.Helper()
	var found *ldap.Entry
	s.write(t, func(c *ldap.Conn) error {
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

// TLS trusts the server's certificate authority.
func (s *Server) TLS(t testing.TB) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, ServerName: s.Host}
}

// write does one thing as the account that may.
func (s *Server) write(t testing.TB, do func(*ldap.Conn) error) {
	t.Helper()
	c, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(s.anyCertificate()))
	if err != nil {
		t.Fatalf("reach samba: %v", err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(s.AdminDN, s.AdminPassword); err != nil {
		t.Fatalf("bind as administrator of samba: %v", err)
	}
	if err := do(c); err != nil {
		t.Fatalf("write to samba: %v", err)
	}
}

// anyCertificate is for the administrator, who also works where a test gave the server a bad certificate.
func (*Server) anyCertificate() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a server of our own on loopback
}

// unicodePassword is a password in the form of unicodePwd (MS-ADTS 3.1.1.3.1.5).
func unicodePassword(password string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

func or(v, other string) string {
	if v == "" {
		return other
	}
	return v
}
