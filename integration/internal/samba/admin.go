package samba

import (
	"crypto/tls"
	"maps"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/testbed"
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

// AddMember puts a DN into the group of a DN.
func (s *Server) AddMember(t testing.TB, group, member string) {
	t.Helper()
	s.AddValues(t, group, "member", member)
}

// RemoveMember takes a DN out of the group of a DN.
func (s *Server) RemoveMember(t testing.TB, group, member string) {
	t.Helper()
	s.RemoveValues(t, group, "member", member)
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
	s.Change(t, func(c *ldap.Conn) error { return c.ModifyDN(ldap.NewModifyDNRequest(dn, name, true, parent)) })
}

// Local sets an attribute past the rules of the server, such as pwdLastSet in the past.
func (s *Server) Local(t testing.TB, dn, attribute, value string) {
	t.Helper()
	s.script.MustRead(t, "dn: "+dn+"\nchangetype: modify\nreplace: "+attribute+"\n"+attribute+": "+value+"\n", "local")
}

// TLS trusts the server's certificate authority.
func (s *Server) TLS(t testing.TB) *tls.Config {
	t.Helper()
	trust := testbed.Trust(t, s.CAFile)
	trust.ServerName = s.Host
	return trust
}

// anyCertificate is for the administrator, who also works where a test gave the server a bad certificate.
func anyCertificate(testing.TB) *tls.Config {
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
