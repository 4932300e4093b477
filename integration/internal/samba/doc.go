// Package samba starts a real Active Directory domain, a Samba AD DC, for tests, by the script in
// integration/testbed: on the ports that LDAP has on a loopback address of its own, with its own certificate
// authority, data and folder.
//
// [Shared] is the one that all tests of a test binary use; they change only what is theirs alone. [Start] is for a test
// that stops, freezes or locks. The data is made once (some twenty seconds) and kept below bin/integration for a day;
// a start from it takes a second. Samba runs as root alone.
//
// The people (password [Server.Password]) and groups are those of integration/testbed/samba-ad.sh: alice in gl-devs, in
// un-eng, in dl-registry, and in nest-4 to nest-1; carol in the ring cyc-10 to cyc-1; dana at the end of deep-30; wanda
// in 300 groups; prim, whose primary group is gl-devs; disabled, expired, locked, mustchange, pwexpired, nohours,
// nostation; names that are hard to write; u0001 to u0060, for tests that need somebody nobody else uses.
package samba
