// Package gate builds the wharfgate program, once a test run, and runs it for a test: on free ports, with a
// state directory, a configuration and a policy of its own. A test edits the configuration that works.
//
// The program is built with the race detector where there is a C compiler; a race it saw fails the test.
package gate
