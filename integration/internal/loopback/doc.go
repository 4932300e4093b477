// Package loopback gives out addresses on this machine's loopback interface, and waits for what listens there.
package loopback
