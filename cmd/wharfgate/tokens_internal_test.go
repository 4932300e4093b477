package main

import (
	"strings"
	"testing"
)

func TestTokensRevokeUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"alice", "--all"}, {"--all", "--directory", "corp"}, {"alice", "--before", "yesterday"}, {"alice", "bob"},
	} {
		call(t, "", append([]string{"tokens", "revoke", "-c", "none.yaml"}, args...)...).want(t, exitUsage)
	}
	call(t, "", "tokens", "revoke", "-c", "none.yaml", "alice").want(t, exitFaults, "none.yaml")
}

// TestTokensRevokeWithoutAny: where no registry gives refresh tokens, that is said; what is asked for is done all the same.
func TestTokensRevokeWithoutAny(t *testing.T) {
	t.Parallel()
	const note = "no registry of the configuration gives refresh tokens"
	for registries, says := range map[string]bool{
		"[{service: registry.test}]": true,
		"[{service: registry.test}, {service: other.test, refresh_tokens: {enabled: true}}]": false,
	} {
		s := newSite(t, "REGISTRIES", registries).withKeys(t)
		got := call(t, "", "tokens", "revoke", "-c", s.config, "id:1")
		got.want(t, exitOK, "1 of corp: refresh tokens made until")
		if strings.Contains(got.out, note) != says {
			t.Errorf("registries %s: %q, want the note: %t", registries, got.out, says)
		}
	}
}
