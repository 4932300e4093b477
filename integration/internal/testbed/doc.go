// Package testbed runs the scripts in integration/testbed, each of which starts a real directory server with a
// folder of its own. The server and its folder go with the test, or with the test binary, however that ends.
// [Entries] are what tests change and read on a server.
package testbed
