package slapd

import (
	"crypto/tls"
	"errors"
	"strconv"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/testbed"
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
	attributes := map[string][]string{"objectClass": {string(class)}, class.memberAttribute(): members}
	if class == Posix {
		attributes["gidNumber"] = []string{"7000"}
	}
	s.Add(t, dn, attributes)
}

// AddGroups adds many [Names] groups many-0, many-1, ... of one member.
func (s *Server) AddGroups(t testing.TB, n int, member string) {
	t.Helper()
	s.Change(t, func(c *ldap.Conn) error {
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
	s.AddValues(t, s.GroupDN(cn), "member", dn)
}

// RemoveMember takes a DN out of a [Names] group, which must keep another member.
func (s *Server) RemoveMember(t testing.TB, cn, dn string) {
	t.Helper()
	s.RemoveValues(t, s.GroupDN(cn), "member", dn)
}

// AddPerson adds a person with everybody's password.
func (s *Server) AddPerson(t testing.TB, uid string) {
	t.Helper()
	s.Add(t, s.PersonDN(uid), map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {uid}, "sn": {uid}, "userPassword": {s.Password},
	})
}

// SetMail gives a person another mail address.
func (s *Server) SetMail(t testing.TB, uid, mail string) {
	t.Helper()
	s.Set(t, s.PersonDN(uid), "mail", mail)
}

// SetPassword changes a person's password for good: the directory does not ask the person to change it.
func (s *Server) SetPassword(t testing.TB, uid, password string) {
	t.Helper()
	m := ldap.NewModifyRequest(s.PersonDN(uid), nil)
	m.Replace("userPassword", []string{password})
	settled := ldap.NewModifyRequest(s.PersonDN(uid), nil)
	settled.Replace("pwdReset", nil) // which the server sets when an administrator changes a password
	s.Change(t, func(c *ldap.Conn) error { return errors.Join(c.Modify(m), c.Modify(settled)) })
}

// SetPolicyState sets attributes of a person that the server keeps by itself, such as pwdFailureTime.
func (s *Server) SetPolicyState(t testing.TB, uid string, values map[string][]string) {
	t.Helper()
	const relax = "1.3.6.1.4.1.4203.666.5.12"
	m := ldap.NewModifyRequest(s.PersonDN(uid), []ldap.Control{ldap.NewControlString(relax, true, "")})
	for attribute, v := range values {
		m.Replace(attribute, v)
	}
	s.Change(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// TLS trusts the server's certificate authority.
func (s *Server) TLS(t testing.TB) *tls.Config { t.Helper(); return testbed.Trust(t, s.CAFile) }
