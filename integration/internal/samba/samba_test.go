package samba_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// bind logs in as a DN on a connection of its own.
func bind(t *testing.T, s *samba.Server, dn, password string) error {
	t.Helper()
	c, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(s.TLS(t)), ldap.DialWithDialer(&net.Dialer{Timeout: time.Second}))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	c.SetTimeout(2 * time.Second)
	return c.Bind(dn, password)
}

func TestDomainCountsLocksAndForgets(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	dn := s.AddUser(t, samba.User{Name: "counted", Attributes: map[string][]string{"mail": {"counted@corp.example"}}})
	if err := bind(t, s, dn, s.Password); err != nil {
		t.Fatal(err)
	}
	s.AddPolicy(t, "two", 1, samba.Lockout{Threshold: 2}, dn)
	for want := range 2 {
		if got := s.BadPasswords(t, dn); got != want {
			t.Errorf("%d wrong passwords are counted, want %d", got, want)
		}
		if s.IsLocked(t, dn) {
			t.Errorf("locked after %d wrong passwords, want 2", want)
		}
		if err := bind(t, s, dn, "wrong"); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
			t.Errorf("bind with a wrong password = %v", err)
		}
	}
	if !s.IsLocked(t, dn) {
		t.Error("the fine-grained policy does not lock")
	}
	s.Set(t, dn, "lockoutTime", "0")
	s.SetPassword(t, dn, "An0ther-one")
	if err := bind(t, s, dn, "An0ther-one"); err != nil {
		t.Errorf("bind with the new password = %v", err)
	}
	s.Local(t, dn, "pwdLastSet", "132000000000000000")
	if got := s.Read(t, dn, "pwdLastSet").GetAttributeValue("pwdLastSet"); got != "132000000000000000" {
		t.Errorf("pwdLastSet = %s, want what was written locally", got)
	}
	group := s.AddGroup(t, samba.Universal, "counters", dn)
	s.Move(t, group, "CN=renamed", "")
	if got := s.Read(t, dn, "memberOf").GetAttributeValues("memberOf"); len(got) != 1 || got[0] != s.GroupDN("renamed") {
		t.Errorf("memberOf = %q, want the renamed group", got)
	}
}

func TestDNSRecords(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	look := func(name string) string {
		_, records, err := s.Resolver().LookupSRV(t.Context(), "", "", name)
		if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%v", *records[0])
	}
	if got, want := look("_ldap._tcp."+s.Domain), "{dc1.corp.example. 389 0 100}"; got != want {
		t.Errorf("SRV of the domain = %s, want %s", got, want)
	}
	for _, name := range []string{"_wharf._tcp." + s.Domain, "_wharf._tcp.dc._msdcs." + s.Domain} {
		s.SetSRV(t, name, samba.SRV{Priority: 7, Weight: 3, Port: 389, Target: "dc7." + s.Domain})
		if got, want := look(name), "{dc7.corp.example. 389 7 3}"; got != want {
			t.Errorf("SRV of %s = %s, want %s", name, got, want)
		}
		s.SetSRV(t, name)
		if got := look(name); got != "" {
			t.Errorf("SRV of %s after its removal = %s", name, got)
		}
	}
	s.SetAddress(t, "dc7."+s.Domain, "127.1.2.3")
	for host, want := range map[string]string{"dc7." + s.Domain: "127.1.2.3", s.Host: s.Address} {
		if got, err := s.Resolver().LookupHost(t.Context(), host); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("addresses of %s = %q, %v, want %s", host, got, err, want)
		}
	}
}

func TestServerFreezesAndGoes(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, samba.Options{Plain: true})
	s.Pause(t)
	if err := bind(t, s, s.BindDN, s.Password); err == nil {
		t.Error("a frozen server answers")
	}
	s.Resume(t)
	s.Kill(t)
	if c, err := ldap.DialURL(s.PlainURL); err == nil {
		_ = c.Close()
		t.Error("a killed server still takes connections")
	}
	s.Restart(t)
	c, err := ldap.DialURL(s.PlainURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(s.BindDN, s.Password); err != nil {
		t.Errorf("a simple bind without TLS = %v", err)
	}
	s.Stop(t)
}
