// Package servers holds the tests of how the gate reaches the servers of a directory: several of them, found by DNS
// or listed, that stop, die, hang, vanish behind a firewall and come back; and the TLS between.
//
// The tests of the black hole need root and the commands ip and iptables; integration/install.sh brings them.
package servers
