package ds389_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
)

func TestServerServesCountsAndFreezes(t *testing.T) {
	t.Parallel()
	s := ds389.Start(t)
	s.AddPerson(t, "newcomer")
	s.AddGroup(t, "devs", s.PersonDN("newcomer"))
	s.AddGroup(t, "staff", s.GroupDN("devs"))
	bind := func(dn, password string) error {
		c, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(s.TLS(t)))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		answer, err := c.SimpleBind(ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}))
		if err == nil {
			if p, ok := ldap.FindControl(answer.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy); ok && p.Error >= 0 {
				t.Errorf("%s is refused in the end: %s", dn, p.ErrorString)
			}
		}
		return err
	}
	if err := bind(s.PersonDN("newcomer"), s.Password); err != nil {
		t.Fatal(err)
	}
	if err := bind(s.PersonDN("newcomer"), "wrong"); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Fatalf("bind with a wrong password = %v", err)
	}
	if n := s.BadPasswords(t, "newcomer"); n != 1 {
		t.Errorf("%d wrong passwords are counted, want 1", n)
	}
	if got := s.Read(t, s.PersonDN("newcomer"), "memberOf").GetAttributeValues("memberOf"); len(got) != 2 {
		t.Errorf("memberOf = %q, want both groups", got)
	}
	s.Set(t, s.PersonDN("newcomer"), "nsAccountLock", "true")
	if err := bind(s.PersonDN("newcomer"), s.Password); !ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform) {
		t.Errorf("bind to a locked account = %v", err)
	}
	s.Kill(t)
	if c, err := ldap.DialURL(s.PlainURL); err == nil {
		_ = c.Close()
		t.Error("a killed server still takes connections")
	}
	s.Restart(t)
	s.Pause(t)
	s.Resume(t)
	if err := bind(s.PersonDN("alice"), s.Password); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	s.Stop(t)
}
