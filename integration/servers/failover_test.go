package servers_test

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

// startPair starts a server and its replica, and a gate that knows both, this one first.
func startPair(t *testing.T, edits ...func(gate.Settings)) (first, second *slapd.Server, g *gate.Gate) {
	t.Helper()
	first = slapd.Start(t, slapd.Options{Replica: true})
	second = first.Replica()
	return first, second, start(t, first, append([]func(gate.Settings){servers(first.URL, second.URL)}, edits...)...)
}

// takesBinds reports whether a server takes the bind of the next login.
func takesBinds(t *testing.T, g *gate.Gate, s *slapd.Server, user string) bool {
	t.Helper()
	mark := s.Mark(t)
	g.MustGrant(t, user, s.Password)
	return s.Since(t, mark).Binds > 0
}

// awaitUse waits until a server takes the binds.
func awaitUse(t *testing.T, g *gate.Gate, s *slapd.Server, within time.Duration) {
	t.Helper()
	loopback.Eventually(t, within, func() error {
		if !takesBinds(t, g, s, "nora") {
			return errors.New("another server takes the binds")
		}
		return nil
	})
}

// TestLDAP40_47_StoppedServer: a server that is stopped costs the first requests at most 5 s and later ones at most 1 s;
// the other one answers all of them. Within 60 s of its recovery it is in use again.
func TestLDAP40_47_StoppedServer(t *testing.T) {
	t.Parallel()
	first, second, g := startPair(t, uncached)
	if !takesBinds(t, g, first, "alice") {
		t.Fatal("the first server is not in use")
	}
	first.Pause(t)
	for i := range 12 {
		answer := g.Ask(t, person(i), first.Password)
		if most := worst + slack; answer.Took > most {
			t.Errorf("request %d took %v, want at most %v", i+1, answer.Took, most)
		}
		if i >= 3 && (answer.Took > time.Second || answer.Status != http.StatusOK) {
			t.Errorf("request %d = %d after %v, want 200 within 1s", i+1, answer.Status, answer.Took)
		}
		if answer.Status != http.StatusOK && answer.Status != http.StatusServiceUnavailable {
			t.Errorf("request %d = %d %s", i+1, answer.Status, answer.Body)
		}
		t.Logf("request %d: %d after %v", i+1, answer.Status, answer.Took.Round(time.Millisecond))
	}
	if !takesBinds(t, g, second, "alice") {
		t.Error("the second server takes no binds")
	}
	first.Resume(t)
	awaitUse(t, g, first, recovery)
}

// TestLDAP47_KilledServer: the same for one that dies and comes back. The way back fails nobody.
func TestLDAP47_KilledServer(t *testing.T) {
	t.Parallel()
	first, second, g := startPair(t)
	if !takesBinds(t, g, first, "alice") {
		t.Fatal("the first server is not in use")
	}
	first.Kill(t)
	loopback.Eventually(t, recovery, func() error { // one bind may be lost on its way
		if answer := g.Ask(t, "alice", first.Password); answer.Status != http.StatusOK {
			return errNotServed
		}
		return nil
	})
	if !takesBinds(t, g, second, "nora") {
		t.Error("the second server takes no binds")
	}
	first.Restart(t)
	awaitUse(t, g, first, recovery)
	second.Kill(t)
	for i := range 10 {
		g.MustGrant(t, person(i), first.Password)
	}
}

// TestLDAP46_DeadFirstServer: the gate starts and serves with a first server that is not there, and check names it.
func TestLDAP46_DeadFirstServer(t *testing.T) {
	t.Parallel()
	first := slapd.Start(t, slapd.Options{Replica: true})
	second := first.Replica()
	first.Kill(t)
	g := start(t, first, servers(first.URL, second.URL))
	for i := range 5 {
		if answer := g.MustGrant(t, person(i), first.Password); answer.Took > worst {
			t.Errorf("request %d took %v", i+1, answer.Took)
		}
	}
	said := g.Run(t, "", "check --online")
	if text := said.Out + said.Err; said.Code == 0 || !strings.Contains(text, first.URL+": ") || !strings.Contains(text, "connection refused") || !strings.Contains(text, second.URL+" answers") {
		t.Errorf("check --online = %d\n%s", said.Code, text)
	}
}

// TestLDAP44_IdleDisconnect: a server that hangs up after 2 s without a request is nobody's error.
func TestLDAP44_IdleDisconnect(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{Configuration: "idletimeout 2"})
	g := start(t, d, uncached)
	g.MustGrant(t, "alice", d.Password)
	for range 3 {
		mark := len(d.Log(t))
		loopback.Eventually(t, recovery, func() error { // until it has hung up
			if !strings.Contains(string(d.Log(t)[mark:]), "closed (idletimeout)") {
				return errors.New("nothing was closed")
			}
			return nil
		})
		g.MustGrant(t, "alice", d.Password)
		g.MustGrant(t, "nora", d.Password)
	}
}
