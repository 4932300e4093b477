// Package backend shows what pkg/directory/ldap makes of Active Directory, on a real domain of Samba, without a gate
// around it.
package backend
