package slapd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// GroupClass is how a group's entry holds its members.
type GroupClass string

// The classes of groups.
const (
	// Names is groupOfNames: member holds DNs.
	Names GroupClass = "groupOfNames"
	// UniqueNames is groupOfUniqueNames: uniqueMember holds DNs.
	UniqueNames GroupClass = "groupOfUniqueNames"
	// Posix is posixGroup: memberUid holds login names.
	Posix GroupClass = "posixGroup"
)

// memberAttribute is the attribute that holds the members.
func (c GroupClass) memberAttribute() string {
	switch c {
	case UniqueNames:
		return "uniqueMember"
	case Posix:
		return "memberUid"
	case Names:
		return "member"
	default:
		return "member"
	}
}

// GroupDN is the name of a group's entry; the cn must need no escaping.
func (s *Server) GroupDN(cn string) string { return "cn=" + cn + ",ou=groups," + s.BaseDN }

// AddGroup adds a group. Members are DNs, or login names for a [Posix] group.
func (s *Server) AddGroup(t testing.TB, class GroupClass, cn string, members ...string) {
	t.Helper()
	s.AddGroupAt(t, s.GroupDN(cn), class, members...)
}

// AddGroupAt is AddGroup for any place.
func (s *Server) AddGroupAt(t testing.TB, dn string, class GroupClass, members ...string) {
	t.Helper()
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{string(class)})
	add.Attribute(class.memberAttribute(), members)
	if class == Posix {
		add.Attribute("gidNumber", []string{"7000"})
	}
	s.write(t, func(c *ldap.Conn) error { return c.Add(add) })
}

// Add adds an entry.
func (s *Server) Add(t testing.TB, dn string, attributes map[string][]string) {
	t.Helper()
	add := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		add.Attribute(name, values)
	}
	s.write(t, func(c *ldap.Conn) error { return c.Add(add) })
}

// AddGroups adds many [Names] groups many-0, many-1, ... of one member.
func (s *Server) AddGroups(t testing.TB, n int, member string) {
	t.Helper()
	s.write(t, func(c *ldap.Conn) error {
		for i := range n {
			add := ldap.NewAddRequest(s.GroupDN("many-"+strconv.Itoa(i)), nil)
			add.Attribute("objectClass", []string{string(Names)})
			add.Attribute("member", []string{member})
			if err := c.Add(add); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddMember puts a DN into a [Names] group.
func (s *Server) AddMember(t testing.TB, cn, dn string) {
	t.Helper()
	m := ldap.NewModifyRequest(s.GroupDN(cn), nil)
	m.Add("member", []string{dn})
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// RemoveMember takes a DN out of a [Names] group, which must keep another member.
func (s *Server) RemoveMember(t testing.TB, cn, dn string) {
	t.Helper()
	m := ldap.NewModifyRequest(s.GroupDN(cn), nil)
	m.Delete("member", []string{dn})
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// AddPerson adds a person with everybody's password.
func (s *Server) AddPerson(t testing.TB, uid string) {
	t.Helper()
	add := ldap.NewAddRequest(s.PersonDN(uid), nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("uid", []string{uid})
	add.Attribute("cn", []string{uid})
	add.Attribute("sn", []string{uid})
	add.Attribute("userPassword", []string{s.Password})
	s.write(t, func(c *ldap.Conn) error { return c.Add(add) })
}

// Set replaces the values of an attribute; none removes it.
func (s *Server) Set(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	m := ldap.NewModifyRequest(dn, nil)
	m.Replace(attribute, values)
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// SetMail gives a person another mail address.
func (s *Server) SetMail(t testing.TB, uid, mail string) {
	t.Helper()
	m := ldap.NewModifyRequest(s.PersonDN(uid), nil)
	m.Replace("mail", []string{mail})
	s.write(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// Remove deletes an entry.
func (s *Server) Remove(t testing.TB, dn string) {
	t.Helper()
	s.write(t, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
}

// SetPassword changes a person's password for good: the directory does not ask the person to change it.
func (s *Server) SetPassword(t testing.TB, uid, password string) {
	t.Helper()
	m := ldap.NewModifyRequest(s.PersonDN(uid), nil)
	m.Replace("userPassword", []string{password})
	settled := ldap.NewModifyRequest(s.PersonDN(uid), nil)
	settled.Replace("pwdReset", nil) // which the server sets when an administrator changes a password
	s.write(t, func(c *ldap.Conn) error { return errors.Join(c.Modify(m), c.Modify(settled)) })
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
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// write does one thing as the account that may.
func (s *Server) write(t testing.TB, do func(*ldap.Conn) error) {
	t.Helper()
	c, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(s.TLS(t)))
	if err != nil {
		t.Fatalf("reach slapd: %v", err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(s.RootDN, s.RootPassword); err != nil {
		t.Fatalf("bind as root of slapd: %v", err)
	}
	if err := do(c); err != nil {
		t.Fatalf("write to slapd: %v", err)
	}
}
