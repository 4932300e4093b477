package activedirectory_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// effective is the time in which a change must show.
const effective = 5 * time.Second

// TestLDAP57_WatchOnSamba: with groups.watch a change of a group, of a group above it, or of an account is effective
// within 5 seconds, although answers are remembered for an hour. An ordinary account follows the changes.
func TestLDAP57_WatchOnSamba(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d, func(s gate.Settings) {
		s.Directory().Section("cache")["ttl"] = "1h"
		s.Directory().Section("groups")["watch"] = true
	})
	loopback.Eventually(t, time.Minute, func() error {
		if v := g.Metric(t, "wharfgate_directory_watch_up"); v != 1 {
			return fmt.Errorf("wharfgate_directory_watch_up = %v\n%s", v, g.Process.Err)
		}
		return nil
	})
	walter := d.AddUser(t, samba.User{Name: "walter"})
	team, inner := d.AddGroup(t, samba.Global, "watched"), d.AddGroup(t, samba.Global, "watched-inner", walter)
	shows := func(what string, want bool) {
		t.Helper()
		start := time.Now()
		loopback.Eventually(t, effective, func() error {
			a := g.MustGrant(t, "walter", d.Password, "repository:teams/watched/api:pull")
			if got := len(a.Claims.Access) > 0; got != want {
				return fmt.Errorf("%s: granted %v, want %v", what, got, want)
			}
			return nil
		})
		t.Logf("%s shows after %v", what, time.Since(start).Round(time.Millisecond))
	}
	shows("nothing yet", false)
	d.AddMember(t, team, walter)
	shows("a new member", true)
	d.RemoveMember(t, team, walter)
	shows("a member that left", false)
	d.AddMember(t, team, inner)
	shows("a new parent of a group", true)
	d.RemoveMember(t, inner, walter)
	shows("a member of a group below that left", false)

	d.Disable(t, walter)
	status := func(want int) {
		t.Helper()
		loopback.Eventually(t, effective, func() error {
			if a := g.Ask(t, "walter", d.Password); a.Status != want {
				return fmt.Errorf("login = %d, want %d", a.Status, want)
			}
			return nil
		})
	}
	status(http.StatusUnauthorized)
	d.Enable(t, walter)
	status(http.StatusOK)
	// A login is no change: the entry stays in memory. Changes are told in order, so that those of a login come before
	// that of a group.
	settle := func(change func(testing.TB, string, string)) float64 {
		t.Helper()
		groups := g.Metric(t, "wharfgate_directory_changes_total", `kind="groups"`)
		change(t, team, walter)
		loopback.Eventually(t, effective, func() error {
			if g.Metric(t, "wharfgate_directory_changes_total", `kind="groups"`) == groups {
				return errors.New("the change of the group was not told")
			}
			return nil
		})
		g.MustGrant(t, "walter", d.Password)
		return g.Metric(t, "wharfgate_cache_requests_total", `cache="entry"`, `result="miss"`)
	}
	read := settle(d.AddMember)
	for range 3 {
		g.MustGrant(t, "walter", d.Password)
	}
	if n := settle(d.RemoveMember) - read; n != 0 {
		t.Errorf("after logins the entry was read %v times, want none", n)
	}
	d.Remove(t, walter)
	status(http.StatusUnauthorized)
}
