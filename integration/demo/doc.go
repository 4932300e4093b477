// Command demo shows Wharfgate at work in one process: an LDAP server with a small company in it, the gate
// itself, and a real registry, all on this machine's loopback interface.
//
//	make demo         prints accounts and the lines to type, and runs until Ctrl-C
//	make demo-tour    pushes and pulls by itself and says what happened and why
//
// Nothing is left behind. The gate runs on a configuration and a policy in a temporary folder, which its other
// commands read as well.
package main
