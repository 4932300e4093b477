package samba

import (
	"strconv"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Lockout says when wrong passwords lock an account. The zero Lockout never does.
type Lockout struct {
	// Threshold is how many wrong passwords lock an account; zero is never.
	Threshold int
	// Duration is how long it stays locked, Window after how long wrong passwords are forgotten. Zero means 30 minutes.
	Duration, Window time.Duration
}

// SetLockout changes the policy of the whole domain: for a domain of the test's own.
func (s *Server) SetLockout(t testing.TB, l Lockout) {
	t.Helper()
	m := ldap.NewModifyRequest(s.BaseDN, nil)
	m.Replace("lockoutThreshold", []string{strconv.Itoa(l.Threshold)})
	m.Replace("lockoutDuration", []string{interval(l.Duration)})
	m.Replace("lockOutObservationWindow", []string{interval(l.Window)})
	s.Change(t, func(c *ldap.Conn) error { return c.Modify(m) })
}

// AddPolicy adds a fine-grained password policy for accounts or groups (DNs), and returns its DN. It asks of passwords
// no more than the domain does.
func (s *Server) AddPolicy(t testing.TB, name string, precedence int, l Lockout, appliesTo ...string) string {
	t.Helper()
	dn := "CN=" + name + ",CN=Password Settings Container,CN=System," + s.BaseDN
	s.Add(t, dn, map[string][]string{
		"objectClass":                              {"msDS-PasswordSettings"},
		"msDS-PasswordSettingsPrecedence":          {strconv.Itoa(precedence)},
		"msDS-PasswordReversibleEncryptionEnabled": {"FALSE"},
		"msDS-PasswordHistoryLength":               {"0"},
		"msDS-PasswordComplexityEnabled":           {"FALSE"},
		"msDS-MinimumPasswordLength":               {"0"},
		"msDS-MinimumPasswordAge":                  {"0"},
		"msDS-MaximumPasswordAge":                  {"-9223372036854775808"},
		"msDS-LockoutThreshold":                    {strconv.Itoa(l.Threshold)},
		"msDS-LockoutObservationWindow":            {interval(l.Window)},
		"msDS-LockoutDuration":                     {interval(l.Duration)},
		"msDS-PSOAppliesTo":                        appliesTo,
	})
	return dn
}

// interval is a time span as the directory keeps it: 100 ns each, negative.
func interval(d time.Duration) string {
	const usual, unit = 30 * time.Minute, 100 * time.Nanosecond
	if d == 0 {
		d = usual
	}
	return strconv.FormatInt(-int64(d/unit), 10)
}

// BadPasswords is how many wrong passwords the domain counts for the account of a DN.
func (s *Server) BadPasswords(t testing.TB, dn string) int {
	t.Helper()
	text := s.Read(t, dn, "badPwdCount").GetAttributeValue("badPwdCount")
	if text == "" {
		return 0 // before the first one
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("badPwdCount of %s: %v", dn, err)
	}
	return n
}

// IsLocked is whether the account of a DN is locked now.
func (s *Server) IsLocked(t testing.TB, dn string) bool {
	t.Helper()
	const computed, locked = "msDS-User-Account-Control-Computed", 0x10
	n, err := strconv.Atoi(s.Read(t, dn, computed).GetAttributeValue(computed))
	if err != nil {
		t.Fatalf("%s of %s: %v", computed, dn, err)
	}
	return n&locked != 0
}
