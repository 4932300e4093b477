package activedirectory_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// states are the accounts that may not log in, each with its reason.
func states() map[string]string {
	return map[string]string{
		"disabled": "disabled", "expired": "account_expired", "pwexpired": "expired", "mustchange": "must_change",
		"nohours": "hours", "nostation": "workstation", "locked": "locked",
	}
}

// TestLDAP26_EveryStateHasItsReason, for the operator: in the log, in the metric, and from the login command.
func TestLDAP26_EveryStateHasItsReason(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d)
	for user, reason := range states() {
		answer := mustRefuse(t, g, user, d.Password, reason)
		if line := g.RequestLine(t, answer); line["account"] != user+"@corp" {
			t.Errorf("%s: account in the log = %v", user, line["account"])
		}
		if n := g.Metric(t, "wharfgate_logins_total", `result="`+reason+`"`); n != 1 {
			t.Errorf("%s: %v logins are counted as %s, want 1", user, n, reason)
		}
		if f := login(t, g, user, d.Password); f.OK || f.Reason != reason || f.Name != user {
			t.Errorf("login %s = %+v, want %s", user, f, reason)
		}
	}
}

// TestLDAP28_P39_ClientsLearnNothing: what the client sees is the same for whatever reason, and takes much the same time.
func TestLDAP28_P39_ClientsLearnNothing(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	var first http.Header
	body := ""
	see := func(what, user, password string) {
		answer := g.Ask(t, user, password)
		header := maps.Clone(answer.Header)
		for _, name := range []string{"Date", "X-Request-Id"} {
			header.Del(name)
		}
		if first == nil {
			first, body = header, answer.Body
		}
		if answer.Status != http.StatusUnauthorized || answer.Body != body || !maps.EqualFunc(header, first, func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }) {
			t.Errorf("%s: %d %v %s, want %v %s", what, answer.Status, header, answer.Body, first, body)
		}
	}
	see("wrong password", "u0007", "wrong")
	see("the same again", "u0007", "wrong")
	see("unknown", "nobody-of-that-name", "wrong")
	see("unknown domain", `ELSEWHERE\u0007`, "wrong")
	see("computer", "ws1$", d.Password)
	for user := range states() {
		see(user, user, d.Password)
		see(user+", wrong password", user, "wrong")
	}
}

// TestLDAP29_DisabledAccountIsOutAtOnce: no memory of groups lets somebody in whom the directory refuses.
func TestLDAP29_DisabledAccountIsOutAtOnce(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	dn := d.AddUser(t, samba.User{Name: "leaver"})
	g.MustGrant(t, "leaver", d.Password)
	d.Disable(t, dn)
	mustRefuse(t, g, "leaver", d.Password, "disabled")
	d.Enable(t, dn)
	g.MustGrant(t, "leaver", d.Password)
}

// TestLDAP29_WithoutABind: where a proven password stands for a bind, the state is looked at within the life of the
// memory.
func TestLDAP29_WithoutABind(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	const ttl = 2 * time.Second
	g := start(t, d, func(s gate.Settings) {
		s.Directory()["proven_for"] = "60s"
		s.Directory()["cache"] = gate.Settings{"ttl": ttl.String()}
	})
	dn := d.AddUser(t, samba.User{Name: "retiree"})
	g.MustGrant(t, "retiree", d.Password)
	binds := g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`)
	g.MustGrant(t, "retiree", d.Password)
	if n := g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`); n != binds {
		t.Errorf("a proven password was bound again: %v binds after %v", n, binds)
	}
	d.Disable(t, dn)
	disabled := time.Now()
	loopback.Eventually(t, soon, func() error {
		if answer := g.Ask(t, "retiree", d.Password); answer.Status != http.StatusUnauthorized {
			return fmt.Errorf("a disabled account = %d", answer.Status)
		}
		return nil
	})
	const slack = 2 * time.Second // of a machine with other work
	if took := time.Since(disabled); took > ttl+slack {
		t.Errorf("a disabled account was let in for %v, want %v at most", took, ttl)
	}
}

// TestLDAP30_ChangedPasswordIsAskedAbout: a password that was proven before pwdLastSet changed is bound again. The domain
// may still take it, so what counts is that it was asked.
func TestLDAP30_ChangedPasswordIsAskedAbout(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d, func(s gate.Settings) {
		s.Directory()["proven_for"] = "60s"
		s.Directory()["cache"] = gate.Settings{"ttl": "1s"}
	})
	dn := d.AddUser(t, samba.User{Name: "changer"})
	g.MustGrant(t, "changer", d.Password)
	binds := func() float64 { return g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`) }
	before := binds()
	d.SetPassword(t, dn, "An0ther-Passw0rd")
	loopback.Eventually(t, soon, func() error { // within the life of the entry in the memory
		g.Ask(t, "changer", d.Password)
		if binds() == before {
			return fmt.Errorf("the old password is believed without a bind")
		}
		return nil
	})
	g.MustGrant(t, "changer", "An0ther-Passw0rd")
}

// TestLDAP57_GroupsWithinTheirLife: who comes and goes shows within the life of the memory.
func TestLDAP57_GroupsWithinTheirLife(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	const ttl = time.Second
	g := start(t, d, func(s gate.Settings) { s.Directory()["cache"] = gate.Settings{"ttl": ttl.String()} })
	group := d.AddGroup(t, samba.Global, "joiners")
	outer := d.AddGroup(t, samba.Universal, "joined", group)
	const scope, repo = "repository:teams/joined/x:pull", "teams/joined/x"
	has := func() bool { return granted(g.MustGrant(t, "u0008", d.Password, scope), repo) != nil }
	if has() {
		t.Fatalf("u0008 is in %s already", outer)
	}
	for _, want := range []bool{true, false} {
		if want {
			d.AddMember(t, group, d.UserDN("u0008"))
		} else {
			d.RemoveMember(t, group, d.UserDN("u0008"))
		}
		loopback.Eventually(t, soon, func() error {
			if has() != want {
				return fmt.Errorf("the groups do not show yet")
			}
			return nil
		})
	}
}

// TestLDAP59_NoIsStrongerThanMemory: what the directory says counts, whatever is remembered.
func TestLDAP59_NoIsStrongerThanMemory(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d, func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "1h"}
		s.Directory()["proven_if_down"] = "1h"
	})
	dn := d.AddUser(t, samba.User{Name: "goner"})
	g.MustGrant(t, "goner", d.Password)
	if answer := g.Ask(t, "goner", "wrong"); answer.Status != http.StatusUnauthorized {
		t.Errorf("a wrong password of somebody who is remembered = %d, want 401", answer.Status)
	}
	d.Remove(t, dn)
	if answer := g.Ask(t, "goner", d.Password); answer.Status != http.StatusUnauthorized {
		t.Errorf("an account that is gone = %d, want 401", answer.Status)
	}
}

// TestP36_WhatIsRememberedOfPasswords ends with its time and with a reload.
func TestP36_WhatIsRememberedOfPasswords(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d, func(s gate.Settings) { s.Directory()["proven_for"] = "3s" })
	binds := func() float64 { return g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`) }
	g.MustGrant(t, "u0020", d.Password)
	first := binds()
	g.MustGrant(t, "u0020", d.Password)
	if n := binds(); n != first {
		t.Errorf("%v binds, want %v while the password is remembered", n, first)
	}
	g.Reload(t)
	g.MustGrant(t, "u0020", d.Password)
	if n := binds(); n != first+1 {
		t.Errorf("%v binds after a reload, want %v", n, first+1)
	}
	loopback.Eventually(t, soon, func() error {
		g.MustGrant(t, "u0020", d.Password)
		if binds() < first+2 {
			return fmt.Errorf("the password is remembered still")
		}
		return nil
	})
	if text := g.Process.Err.String() + g.Metrics(t); strings.Contains(text, d.Password) {
		t.Error("the password is in the log or in the metrics")
	}
}
