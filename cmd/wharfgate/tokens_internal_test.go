package main

import "testing"

func TestTokensRevokeUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"alice", "--all"}, {"--all", "--directory", "corp"}, {"alice", "--before", "yesterday"}, {"alice", "bob"},
	} {
		call(t, "", append([]string{"tokens", "revoke", "-c", "none.yaml"}, args...)...).want(t, exitUsage)
	}
	call(t, "", "tokens", "revoke", "-c", "none.yaml", "alice").want(t, exitFaults, "none.yaml")
}
