package kindstest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// provenFor lets a proven password stand for a bind for a while.
func provenFor(duration string) func(gate.Settings) {
	return func(s gate.Settings) { s.Directory()["proven_for"] = duration }
}

// TestLDAP27_OpenLDAPGraceLogins: an expired password whose grace lasts is taken, and with the memory of proven passwords
// one grace login is used up and logged in its time, not one a request.
func TestLDAP27_OpenLDAPGraceLogins(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := gate.Start(t, d, policy, byPreset(d), provenFor("60s"))
	mark := d.Mark(t)
	for range 10 {
		mustGrant(t, g, "grace", d.Password)
	}
	if o := d.Since(t, mark); o.Binds != 1 {
		t.Errorf("%d binds of 10 logins, want 1", o.Binds)
	}
	if n := strings.Count(g.Process.Err.String(), "bind used a grace login"); n != 1 {
		t.Errorf("%d grace logins are logged, want 1", n)
	}
}

// TestP36_ProvenPasswordsEndAndFollowThePolicy: a password that was proven a moment ago needs no bind, but a new policy is
// in force for it at once, and after its time it is bound again.
func TestP36_ProvenPasswordsEndAndFollowThePolicy(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	const scope = "repository:team/app:pull"
	g := gate.Start(t, d, policy, byPreset(d), provenFor("60s"))
	granted := func() (access int) {
		t.Helper()
		answer, err := g.Asker(gate.Service).Ask(t.Context(), "alice", d.Password, scope)
		if err != nil || answer.Status != http.StatusOK {
			t.Fatalf("alice = %d %s, %v, want 200", answer.Status, answer.Body, err)
		}
		return len(answer.Claims.Access)
	}
	if n := granted(); n != 1 {
		t.Fatalf("access to %d repositories, want 1", n)
	}
	mark := d.Mark(t)
	g.SetPolicy(t, "version: 1\nrules:\n  - {who: signed-in, can: pull, repos: other/**}\n")
	loopback.Eventually(t, 10*time.Second, func() error {
		if granted() != 0 {
			return errors.New("the old policy still grants")
		}
		return nil
	})
	loopback.Eventually(t, 10*time.Second, func() error { // what was proven ends with the policy, too
		if granted(); d.Since(t, mark).Binds == 0 {
			return errors.New("no bind under the new policy")
		}
		return nil
	})

	brief := gate.Start(t, d, policy, byPreset(d), provenFor("1s"))
	mustGrant(t, brief, "alice", d.Password)
	mark = d.Mark(t)
	loopback.Eventually(t, 10*time.Second, func() error {
		mustGrant(t, brief, "alice", d.Password)
		if d.Since(t, mark).Binds == 0 {
			return errors.New("no bind yet")
		}
		return nil
	})
}
