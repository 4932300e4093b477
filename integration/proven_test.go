package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// TestLDAP58_Outage: while the whole directory is down, who was proven minutes ago pulls with a short token, and says so
// in log, metric and audit record; everybody else is answered 503, and so is everybody after the time.
func TestLDAP58_Outage(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	const proven, scope = 15 * time.Second, "repository:payments/api:pull"
	g := startGate(t, d, func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "10m"}
		s.Directory()["proven_if_down"] = proven.String()
	})
	off := startGate(t, d)
	for _, user := range []string{"alice", "u00001", "u00002"} {
		mustGrant(t, g, user, d.Password, scope)
		mustGrant(t, off, user, d.Password, scope)
	}
	if a, err := g.Asker(serviceV3).Ask(t.Context(), "u00001", "wrong"); err != nil || a.Status != http.StatusUnauthorized {
		t.Fatalf("a wrong password = %d, %v, want 401", a.Status, err)
	}
	d.Kill(t)
	down := time.Now()
	answer := mustGrant(t, g, "alice", d.Password, scope)
	if n := expiresIn(t, answer); n != 60 {
		t.Errorf("the token lives for %d s, want 60", n)
	}
	if n := g.Metric(t, "wharfgate_logins_without_bind_total", `why="outage"`); n != 1 {
		t.Errorf("%v logins without a bind, want 1", n)
	}
	records := g.Audit(t)
	if last := records[len(records)-1]; !last.Principal.Stale || last.Principal.Name != "alice" {
		t.Errorf("the audit record says %+v, want alice, stale", last.Principal)
	}
	refused := func(who string, g *gate.Gate, user, password string) {
		t.Helper()
		a, err := g.Asker(serviceV3).Ask(t.Context(), user, password, scope)
		if err != nil || a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s = %d %s, %v, want 503 with Retry-After", who, a.Status, a.Body, err)
		}
	}
	refused("with the switch off", off, "alice", d.Password)
	refused("a wrong attempt before", g, "u00001", d.Password)
	refused("never seen", g, "nora", d.Password)
	refused("another password", g, "u00002", "guess")
	refused("after a guess", g, "u00002", d.Password)
	loopback.Eventually(t, proven+soonAfter, func() error {
		a, err := g.Asker(serviceV3).Ask(t.Context(), "alice", d.Password, scope)
		if err != nil || a.Status != http.StatusServiceUnavailable {
			return fmt.Errorf("alice = %d, %w, want 503", a.Status, orNone(err))
		}
		return nil
	})
	if took := time.Since(down); took < proven/2 {
		t.Errorf("believed for %v only", took)
	}
	d.Restart(t)
	loopback.Eventually(t, recovery, func() error {
		a, err := g.Asker(serviceV3).Ask(t.Context(), "u00001", d.Password, scope)
		if err != nil || a.Status != http.StatusOK || expiresIn(t, a) <= 60 {
			return fmt.Errorf("u00001 = %d %s, %w, want 200 and the usual life", a.Status, a.Body, orNone(err))
		}
		return nil
	})
}

// expiresIn is how long a token lives, in seconds.
func expiresIn(t *testing.T, a client.Answer) int {
	t.Helper()
	var body struct {
		ExpiresIn int `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		t.Fatalf("answer %q: %v", a.Body, err)
	}
	return body.ExpiresIn
}

// orNone gives an error that can be wrapped where there may be none.
func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// soonAfter is what a busy machine adds to a time.
const soonAfter = 10 * time.Second

// TestLDAP59_ANoIsNeverOverruled: a password that the directory refused, or an account that it does not have any more,
// gets no token while it is down.
func TestLDAP59_ANoIsNeverOverruled(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "1h"}
		s.Directory()["proven_if_down"] = "1h"
	})
	for _, user := range []string{"u00003", "u00004", "u00005"} {
		mustGrant(t, g, user, d.Password)
	}
	d.SetPassword(t, "u00004", "next")
	d.Remove(t, d.PersonDN("u00005"))
	for _, user := range []string{"u00004", "u00005"} {
		loopback.Eventually(t, soonAfter, func() error {
			a, err := g.Asker(serviceV3).Ask(t.Context(), user, d.Password)
			if err != nil || a.Status != http.StatusUnauthorized {
				return fmt.Errorf("%s = %d, %w, want 401", user, a.Status, orNone(err))
			}
			return nil
		})
	}
	d.Kill(t)
	for user, want := range map[string]bool{"u00003": true, "u00004": false, "u00005": false} {
		a, err := g.Asker(serviceV3).Ask(t.Context(), user, d.Password)
		if got := a.Status == http.StatusOK; err != nil || got != want {
			t.Errorf("%s while the directory is down = %d, %v, want a token: %t", user, a.Status, err, want)
		}
	}
}

// TestLDAP33_BudgetFollowsThePasswordPolicy: two less than pwdMaxFailure of the policy of the account; for accounts that
// name none, of the strictest one.
func TestLDAP33_BudgetFollowsThePasswordPolicy(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	policies := "ou=policies," + d.BaseDN
	person := func(uid, policy string) {
		d.Add(t, d.PersonDN(uid), map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {uid}, "sn": {uid}, "userPassword": {d.Password},
			"pwdPolicySubentry": {"cn=" + policy + "," + policies},
		})
	}
	for name, most := range map[string]int{"four": 4, "nine": 9} {
		d.Add(t, "cn="+name+","+policies, map[string][]string{
			"objectClass": {"person", "pwdPolicy"}, "cn": {name}, "sn": {name}, "pwdAttribute": {"userPassword"},
			"pwdLockout": {"TRUE"}, "pwdMaxFailure": {strconv.Itoa(most)}, "pwdFailureCountInterval": {"600"},
		})
		person("has-"+name, name)
	}
	g := startGate(t, d, gate.WithoutAddressLimit)
	settle(t, d, g)
	for user, want := range map[string]int{"has-four": 2, "has-nine": 7, "u00006": 2} {
		mark := d.Mark(t)
		for n := range 12 {
			a, err := g.Asker(serviceV3).Ask(t.Context(), user, "wrong "+strconv.Itoa(n))
			if err != nil || a.Status != http.StatusUnauthorized && a.Status != http.StatusTooManyRequests {
				t.Fatalf("%s: a wrong password = %d, %v, want 401 or 429", user, a.Status, err)
			}
		}
		if o := d.Since(t, mark); o.Binds != want {
			t.Errorf("%s: %d failed binds, want %d", user, o.Binds, want)
		}
	}
}
