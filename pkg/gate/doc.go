// Package gate is the composition root: it turns a [config.Config] into a running [Gate], and the same parts
// into the answers of the commands check, login and explain.
//
// What depends on the configuration is a core: directory, policy, keys, authority, server. A reload builds a
// whole new core beside the old one, which then answers the requests that it has and goes, so a configuration
// is in force as a whole or not at all, and neither a request nor a connection is lost between two.
package gate
