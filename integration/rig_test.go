package integration_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// startGate starts a gate of a test's own, with the policy and services of a site.
func startGate(t testing.TB, d *slapd.Server, edits ...func(gate.Settings)) *gate.Gate {
	t.Helper()
	return gate.Start(t, d, sitePolicy, append([]func(gate.Settings){twoServices}, edits...)...)
}

// mustGrant asks for a token and fails the test without one.
func mustGrant(t *testing.T, g *gate.Gate, user, password string, scopes ...string) client.Answer {
	t.Helper()
	answer, err := g.Asker(serviceV3).Ask(t.Context(), user, password, scopes...)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("token for %s = %d %s, %v\n%s", user, answer.Status, answer.Body, err, g.Process.Err)
	}
	return answer
}

// granted returns the actions that a token grants on a repository.
func granted(a client.Answer, repository string) []string {
	i := slices.IndexFunc(a.Claims.Access, func(x client.Access) bool { return x.Name == repository })
	if i < 0 {
		return nil
	}
	return a.Claims.Access[i].Actions
}
