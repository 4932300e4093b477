package ldap

import (
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// lostBind looks whether Active Directory has forgotten who is bound on a connection, which it tells by result 1 and a text
// alone. The connection is useless then, and must go like one that died.
func (s *server) lostBind(f *serverError) *serverError {
	if f == nil || f.class != classAnswer || f.code != goldap.LDAPResultOperationsError || s.backend.options.BindDN == "" {
		return f
	}
	if !strings.Contains(f.text, "without authentication") && !strings.Contains(f.text, "successful bind must be completed") {
		return f
	}
	return &serverError{class: classNetwork, step: f.step, text: "the connection is no longer bound: " + f.text, err: f.err}
}
