// Package tap stands between a gate and a directory: it passes LDAP messages on, keeps the requests, and can lose an
// answer or cut the connections. It ends TLS on both sides, with a certificate of its own towards the gate.
//
// A test counts round trips with it, looks who is asked for on which connection, and sees filters as they are on the
// wire.
package tap
