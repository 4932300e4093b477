// Package slapd starts a real OpenLDAP server for a test, by the script in integration/testbed: on free
// ports, with its own certificate authority, its own data and its own state directory, which go with the test.
//
// A server can be killed, frozen and started again, and tells by its log which operations reached it.
package slapd
