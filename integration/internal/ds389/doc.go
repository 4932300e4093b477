// Package ds389 starts a real 389 Directory Server for tests, by the script in integration/testbed: on free ports, with
// its own certificate authority, data and folder. It runs as root alone.
//
// [Shared] is the one that all tests of a test binary use; they change only what is theirs alone. [Start] is for a test
// that stops, freezes or locks.
//
// The people (password [Server.Password]) and groups are those of integration/testbed/ds389.sh: alice and nora in
// nest-4, which is in nest-3 and so on to nest-1; dana at the end of deep-30; carol in the ring cyc-a to cyc-c; alice in
// the groupOfUniqueNames unique; disabled (nsAccountLock), locked, mustchange; u00001 to u00060, for tests that need
// somebody nobody else uses. memberOf holds nested groups, too. Five wrong passwords lock an account.
package ds389
