// Package lifetime owns what all tests of a test binary share, such as one gate: it is started for the first test that
// asks, and ends with the binary.
package lifetime
