// Package directorytest is the conformance suite of [directory.Backend], and a [Fake] for the tests of packages
// that need a directory without a server. It is imported by tests only.
//
// A Backend passes by
//
//	directorytest.Run(t, directorytest.Harness{Backend: b, Known: ..., Other: ...})
//
// The suite tries a few wrong passwords: a real directory behind a Backend under test must not lock accounts
// after three of them.
package directorytest
