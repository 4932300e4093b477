// Package doctor looks at a gate and a registry from where their clients stand, and says what would keep them from working
// together. It plays the docker client (GET), containerd (POST, then GET) and the registry, which verifies the token.
//
// It changes nothing, sends a password to the gate alone, and shows neither passwords nor tokens. What it could not look
// at is a finding, too: it never takes silence for health. Everything that comes from outside is bounded in time and size.
//
// A [Doctor] asks nobody but the gate, the registry and the DNS. What the registry's software can verify comes from the
// profiles of package registry, and what the registry should hold from the caller.
package doctor
