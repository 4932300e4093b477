package slapd_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

func dial(t *testing.T, s *slapd.Server) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(s.TLS(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetTimeout(200 * time.Millisecond)
	return c
}

func TestServerServesCountsAndFreezes(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{})
	s.AddGroup(t, slapd.Names, "payments", s.PersonDN("alice"))
	s.AddGroup(t, slapd.Posix, "team-search", "carol")
	s.AddPerson(t, "newcomer")
	s.AddMember(t, "payments", s.PersonDN("newcomer"))
	s.SetPassword(t, "newcomer", "changed")

	c := dial(t, s)
	mark := s.Mark(t)
	if err := c.Bind(s.PersonDN("alice"), s.Password); err != nil {
		t.Fatal(err)
	}
	if err := c.Bind(s.PersonDN("newcomer"), s.Password); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Fatalf("bind with the old password = %v, want invalid credentials", err)
	}
	bind := ldap.NewSimpleBindRequest(s.PersonDN("newcomer"), "changed", []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
	answer, err := c.SimpleBind(bind)
	if err != nil {
		t.Fatalf("bind with the new password = %v", err)
	}
	if p, ok := ldap.FindControl(answer.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy); ok && p.Error >= 0 {
		t.Errorf("the new password is refused in the end: %s", p.ErrorString)
	}
	if err := c.Bind(s.BindDN, s.Password); err != nil {
		t.Fatal(err)
	}
	r, err := c.Search(ldap.NewSearchRequest(s.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
		"(member="+s.PersonDN("newcomer")+")", []string{"1.1"}, nil))
	if err != nil || len(r.Entries) != 1 || r.Entries[0].DN != s.GroupDN("payments") {
		t.Fatalf("search = %v, %v, want the group payments", r, err)
	}
	want := slapd.Operations{Binds: 3, ServiceBinds: 1, Searches: 1}
	if got := s.Since(t, mark); got != want {
		t.Errorf("operations = %+v, want %+v", got, want)
	}

	s.Pause(t)
	if err := c.Bind(s.PersonDN("alice"), s.Password); !ldap.IsErrorWithCode(err, ldap.ErrorNetwork) {
		t.Errorf("bind at a frozen server = %v, want a time-out", err)
	}
	s.Resume(t)
	s.Kill(t)
	if _, err := ldap.DialURL(s.PlainURL); err == nil {
		t.Error("a killed server still takes connections")
	}
	s.Restart(t)
	if err := dial(t, s).Bind(s.PersonDN("alice"), s.Password); err != nil {
		t.Error(errors.Join(errors.New("after a restart"), err))
	}
}
