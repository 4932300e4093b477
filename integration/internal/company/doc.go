// Package company is a small company for the demo: its people and groups, an access policy, and an LDAP server
// in this process that answers for them.
//
// The server is a real one on the wire (gldap) and answers searches by their filter, scope, attributes and
// paging, so that the gate in front of it works exactly as against a company's own. It keeps nothing and takes
// no writes.
package company
