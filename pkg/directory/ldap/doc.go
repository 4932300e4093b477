// Package ldap is the [directory.Backend] for LDAP servers: a list of servers with failover, two pools a
// server (multiplexed searches under the service identity, exclusive connections for user binds), and the
// operations find, bind and account.
//
// It always asks; what may be remembered is remembered by directory.Cached. Its own memory holds only
// which group names are unique.
//
// Invariants: a search never runs on a connection that a user bound; each dial, TLS handshake, write and
// operation has a deadline; a connection is thrown away after any time-out; a bind moves to another server
// only if not one byte of it was written, or the server answered that it did not process it (results 51 and
// 52); result 49 is final; partial results are failures; references to other servers are never followed.
//
// A server that fails three times in a row is out of service until a probe of [Backend.Run] finds it well;
// requests skip it, and get [identity.ErrUnavailable] at once where no other is left. A refused service
// account is not tried again with the same password before a pause of minutes.
//
// The files, from the wire up: wire (deadlines, message sizes), dial (TCP, TLS, StartTLS), connection (one
// bind, one search), bindpool and searchpool, service (the service account), breaker and server, ldap (choice
// of servers), then find, prove, account with memberof, page and names, groupfinder, check, and run.
package ldap
