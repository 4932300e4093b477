package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// watchedGate starts a gate that remembers groups for an hour, and follows their changes.
func watchedGate(t *testing.T, d *slapd.Server) *gate.Gate {
	t.Helper()
	g := startGate(t, d, func(s gate.Settings) {
		s.Directory().Section("cache")["ttl"] = "1h"
		s.Directory().Section("groups")["watch"] = true
	})
	wantWatch(t, g, 1)
	return g
}

// wantWatch waits until changes are followed, or not.
func wantWatch(t *testing.T, g *gate.Gate, up float64) {
	t.Helper()
	const patience = time.Minute
	loopback.Eventually(t, patience, func() error {
		if v := g.Metric(t, "wharfgate_directory_watch_up"); v != up {
			return fmt.Errorf("wharfgate_directory_watch_up = %v, want %v\n%s", v, up, g.Process.Err)
		}
		return nil
	})
}

// within is the time in which a change must show.
const within = 5 * time.Second

// shows waits until a login of a person grants, or does not.
func shows(t *testing.T, g *gate.Gate, what, user, password string, want bool) {
	t.Helper()
	start := time.Now()
	loopback.Eventually(t, within, func() error {
		a := mustGrant(t, g, user, password, "repository:watched/api:pull")
		if got := len(a.Claims.Access) > 0; got != want {
			return fmt.Errorf("%s: granted %v, want %v", what, got, want)
		}
		return nil
	})
	t.Logf("%s shows after %v", what, time.Since(start).Round(time.Millisecond))
}

// TestLDAP57_WatchOnOpenLDAP: with groups.watch a change of a group, of a group above it, or of an account is effective
// within 5 seconds, although answers are remembered for an hour; also after the server was away.
func TestLDAP57_WatchOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	for _, uid := range []string{"walter", "wilma"} {
		d.AddPerson(t, uid)
	}
	d.AddGroup(t, slapd.Names, "team-watched", d.PersonDN("wilma"))
	d.AddGroup(t, slapd.Names, "watched-inner", d.PersonDN("walter"))
	g := watchedGate(t, d)
	shows(t, g, "nothing yet", "walter", d.Password, false)
	d.AddMember(t, "team-watched", d.PersonDN("walter"))
	shows(t, g, "a new member", "walter", d.Password, true)
	d.RemoveMember(t, "team-watched", d.PersonDN("walter"))
	shows(t, g, "a member that left", "walter", d.Password, false)
	d.AddMember(t, "team-watched", d.GroupDN("watched-inner"))
	shows(t, g, "a new parent of a group", "walter", d.Password, true)
	d.Remove(t, d.GroupDN("watched-inner"))
	shows(t, g, "a group that is gone", "walter", d.Password, false)

	d.Kill(t)
	wantWatch(t, g, 0)
	d.Restart(t)
	wantWatch(t, g, 1)
	d.AddMember(t, "team-watched", d.PersonDN("walter"))
	shows(t, g, "a new member after the server was away", "walter", d.Password, true)
	d.Pause(t) // nothing is closed, and nothing answers
	wantWatch(t, g, 0)
	d.Resume(t)
	wantWatch(t, g, 1)
	d.RemoveMember(t, "team-watched", d.PersonDN("walter"))
	shows(t, g, "a member that left after the server hung", "walter", d.Password, false)

	d.Remove(t, d.PersonDN("walter"))
	loopback.Eventually(t, within, func() error {
		a, err := g.Asker(serviceV3).Ask(t.Context(), "walter", d.Password)
		if err == nil && a.Status != http.StatusUnauthorized {
			err = fmt.Errorf("login of an account that is gone = %d", a.Status)
		}
		return err
	})
	if n := g.Metric(t, "wharfgate_directory_changes_total", `kind="account"`); n == 0 {
		t.Error("no change of an account was counted")
	}
}

// TestLDAP57_WithoutWatch: a change shows when what is remembered ends.
func TestLDAP57_WithoutWatch(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.AddPerson(t, "walter")
	d.AddPerson(t, "wilma")
	d.AddGroup(t, slapd.Names, "team-watched", d.PersonDN("wilma"))
	const ttl = 3 * time.Second
	g := startGate(t, d, func(s gate.Settings) { s.Directory().Section("cache")["ttl"] = ttl.String() })
	start := time.Now()
	shows(t, g, "nothing yet", "walter", d.Password, false)
	d.AddMember(t, "team-watched", d.PersonDN("walter"))
	shows(t, g, "a new member", "walter", d.Password, true)
	if most := ttl + ttl/2 + time.Second; time.Since(start) > most {
		t.Errorf("the change showed after %v, want %v at most", time.Since(start), most)
	}
	if !slices.Equal(granted(mustGrant(t, g, "walter", d.Password, "repository:watched/api:pull"), "watched/api"), []string{"pull"}) {
		t.Error("the change is gone again")
	}
}
