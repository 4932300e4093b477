package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// What changes while the gate runs: the policy, groups, passwords.

func TestPolicyIsEditedLive(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := startGate(t, d)
	const repo = "edited/live"
	push := []string{"pull", "push"}
	rights := func() []string {
		return granted(mustGrant(t, g, "alice", d.Password, "repository:"+repo+":pull,push"), repo)
	}
	if got := rights(); got != nil {
		t.Fatalf("before the edit alice gets %q, want nothing", got)
	}
	edited := sitePolicy + "  - {who: \"user:alice\", can: push, repos: edited/**}\n"
	g.SetPolicy(t, edited)
	loopback.Eventually(t, soon, func() error {
		if got := rights(); !slices.Equal(got, push) {
			return fmt.Errorf("after the edit alice gets %q, want %q", got, push)
		}
		return nil
	})
	g.SetPolicy(t, strings.Replace(edited, "can: push, repos: edited/**", "can: pusk, repos: edited/**", 1))
	if said := g.Reload(t); !strings.Contains(said, "did you mean") || !strings.Contains(said, "policy.yaml:") {
		t.Errorf("a reload with a fault says %s, want the fault, its place and a remedy", said)
	}
	if got := rights(); !slices.Equal(got, push) {
		t.Errorf("after a bad edit alice gets %q, want still %q", got, push)
	}
	g.SetPolicy(t, sitePolicy)
	if said := g.Reload(t); !strings.Contains(said, `"msg":"reloaded"`) {
		t.Errorf("a reload says %s", said)
	}
	if got := rights(); got != nil {
		t.Errorf("after the edit was taken back alice gets %q, want nothing", got)
	}
}

func TestGroupsAndPasswordsChangeInTheDirectory(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, func(s gate.Settings) { s.Directory()["cache"] = gate.Settings{"ttl": "1s"} })
	const scope = "repository:payments/api:pull,push"
	if got := granted(mustGrant(t, g, "u00007", d.Password, scope), "payments/api"); got != nil {
		t.Fatalf("before the change the account gets %q, want nothing", got)
	}
	d.AddMember(t, "payments", d.PersonDN("u00007"))
	loopback.Eventually(t, soon, func() error {
		if got := granted(mustGrant(t, g, "u00007", d.Password, scope), "payments/api"); len(got) != 2 {
			return fmt.Errorf("after the change the account gets %q, want pull and push", got)
		}
		return nil
	})

	a := g.Asker(serviceV3)
	const changed = "a-new-pa55word"
	if answer, err := a.Ask(t.Context(), "u00007", changed); err != nil || answer.Status != http.StatusUnauthorized {
		t.Fatalf("the new password before the change = %d, %v, want 401", answer.Status, err)
	}
	d.SetPassword(t, "u00007", changed)
	if answer, err := a.Ask(t.Context(), "u00007", d.Password); err != nil || answer.Status != http.StatusUnauthorized {
		t.Errorf("the old password after the change = %d, %v, want 401", answer.Status, err)
	}
	const memory = 2 * recovery // a password that was just wrong is remembered for a while
	loopback.Eventually(t, memory, func() error {
		answer, err := a.Ask(t.Context(), "u00007", changed)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("the new password = %d, want 200", answer.Status)
		}
		return err
	})
}
