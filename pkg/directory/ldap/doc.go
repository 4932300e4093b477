// Package ldap is the [directory.Backend] for LDAP servers: a list of servers with failover, two pools a
// server (multiplexed searches under the service identity, exclusive connections for user binds), and the
// operations find, bind and account.
//
// It always asks; what may be remembered is remembered by directory.Cached. Its own memory holds only
// which group names are unique.
//
// Invariants: a search never runs on a connection that a user bound; each dial, TLS handshake, write and
// operation has a deadline; a connection is thrown away after any time-out; a bind moves to another server
// only if not one byte of it was written; result 49 is final; partial results are failures.
package ldap
