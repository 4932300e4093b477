package ldap

import (
	"fmt"
	"strconv"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

// passwordNotice is how long before its end the password of the service account is a fault of the check.
const passwordNotice = 14 * 24 * time.Hour

// The attributes that tell when a password ends: of Active Directory, 389 Directory Server and FreeIPA.
const (
	windowsPasswordEnd = "msDS-UserPasswordExpiryTimeComputed"
	redHatPasswordEnd  = "passwordExpirationTime"
	freeIPAPasswordEnd = "krbPasswordExpiration"
)

// checkServicePassword tells of a service account whose password ends soon: all logins end with it. An end that is not
// told, or that the account may not read, says nothing.
func (s *server) checkServicePassword(c *connection, status *directory.ServerStatus) {
	o := &s.backend.options
	if o.BindDN == "" || o.External {
		return
	}
	end := s.passwordEnd(c, o.BindDN)
	left := end.Sub(s.now())
	const day = 24 * time.Hour
	switch {
	case end.IsZero():
		status.Facts = append(status.Facts, "nothing that can be read says that the password of the service account ends")
		return
	case left > passwordNotice:
		status.Facts = append(status.Facts, fmt.Sprintf("the password of the service account ends on %s, in %d days", end.UTC().Format(time.DateOnly), left/day))
		return
	}
	status.Faults = append(status.Faults, fmt.Sprintf("The password of the service account %q ends on %s, in %d days: change it, and bind.password_file with it.",
		o.BindDN, end.UTC().Format(time.DateOnly), max(left, 0)/day))
}

// passwordEnd reads when the password of an entry ends; zero where it does not, or where nothing says so.
func (s *server) passwordEnd(c *connection, dn string) time.Time {
	e := s.readOwn(c, dn, windowsPasswordEnd, redHatPasswordEnd, freeIPAPasswordEnd, passwordTime, policySubentry)
	if e == nil {
		return time.Time{}
	}
	if t, ok := parseFiletime(first(e, windowsPasswordEnd)); ok {
		return t.time()
	}
	for _, attribute := range []string{redHatPasswordEnd, freeIPAPasswordEnd} {
		if end := changed(first(e, attribute)); !end.IsZero() {
			return end
		}
	}
	since, policy := changed(first(e, passwordTime)), first(e, policySubentry)
	if since.IsZero() || policy == "" {
		return time.Time{}
	}
	rules := s.readOwn(c, policy, mostAge)
	if rules == nil {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(first(rules, mostAge), 10, 32)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return since.Add(time.Duration(seconds) * time.Second)
}

// readOwn reads attributes of one entry; nil where that cannot be done.
func (s *server) readOwn(c *connection, dn string, attributes ...string) *goldap.Entry {
	r := rootDSE(s.backend.timeLimit(), attributes...)
	r.BaseDN = dn
	result, f := c.search(r, s.timeouts().Operation)
	if f != nil || len(result.Entries) != 1 {
		return nil
	}
	return result.Entries[0]
}
