// Package kindstest tests each kind of directory through its preset alone: address, service credentials and base. It
// does so on a real OpenLDAP and 389 Directory Server, and on fakes that answer as the documentation or the source of
// other servers says; docs/reference/directories.md tells which is which.
package kindstest
