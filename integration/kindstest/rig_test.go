package kindstest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// policy grants by nothing that a test needs to see: groups are read from the login command.
const policy = `version: 1
rules:
  - {who: signed-in, can: pull, repos: "**"}
`

// login is what the login command found.
type login struct {
	OK         bool
	Name, ID   string
	Reason     string
	Detail     string
	groupsText []string
	Groups     []string // short names, sorted; a group without one is its DN
}

// tryLogin runs the login command.
func tryLogin(t *testing.T, g *gate.Gate, user, password string) login {
	t.Helper()
	c := g.Run(t, password+"\n", "login", "--json", user)
	var said struct {
		OK                             bool
		Name, ID, Reason, Detail, Took string
		Groups                         []string
	}
	if err := json.Unmarshal([]byte(c.Out), &said); err != nil {
		t.Fatalf("login %s = %d: %v\n%s%s", user, c.Code, err, c.Out, c.Err)
	}
	l := login{OK: said.OK, Name: said.Name, ID: said.ID, Reason: said.Reason, Detail: said.Detail, groupsText: said.Groups}
	for _, text := range said.Groups {
		name, _, _ := strings.Cut(text, "  (")
		l.Groups = append(l.Groups, name)
	}
	slices.Sort(l.Groups)
	return l
}

// wantGroups fails the test unless an account has exactly these groups.
func wantGroups(t *testing.T, g *gate.Gate, user, password string, want ...string) login {
	t.Helper()
	l := tryLogin(t, g, user, password)
	slices.Sort(want)
	if !l.OK || !slices.Equal(l.Groups, want) {
		t.Errorf("login of %s: ok %v %s %s, groups %q, want %q", user, l.OK, l.Reason, l.Detail, l.Groups, want)
	}
	return l
}

// wantRefused fails the test unless the running gate answers a login 401, with the reason in its log and in the metric,
// and the login command gives the reason, too.
func wantRefused(t *testing.T, g *gate.Gate, user, password, reason string) {
	t.Helper()
	before := g.Metric(t, "wharfgate_logins_total", `result="`+reason+`"`)
	mark := g.Process.Err.Len()
	answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
	if err != nil || answer.Status != http.StatusUnauthorized {
		t.Errorf("%s = %d %s, %v, want 401", user, answer.Status, answer.Body, err)
	}
	const patience = 10 * time.Second
	loopback.Eventually(t, patience, func() error { // the line is written once the answer is out
		if log := g.Process.Err.Since(mark); !strings.Contains(log, `"reason":"`+reason+`"`) {
			return errors.New(user + ": no reason " + reason + " in the log: " + log)
		}
		return nil
	})
	if n := g.Metric(t, "wharfgate_logins_total", `result="`+reason+`"`); n != before+1 {
		t.Errorf("%s: logins with reason %s went from %v to %v, want one more", user, reason, before, n)
	}
	if l := tryLogin(t, g, user, password); l.OK || l.Reason != reason {
		t.Errorf("login command for %s: ok %v, reason %s (%s), want %s", user, l.OK, l.Reason, l.Detail, reason)
	}
}

// mustGrant asks for a token and fails the test without one.
func mustGrant(t *testing.T, g *gate.Gate, user, password string) {
	t.Helper()
	answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
	if err != nil || answer.Status != http.StatusOK {
		t.Errorf("token for %s = %d %s, %v\n%s", user, answer.Status, answer.Body, err, g.Process.Err)
	}
}

// check runs the check command with the directory's servers.
func check(t *testing.T, g *gate.Gate, args ...string) gate.Command {
	t.Helper()
	if g.Process == nil {
		g.Run(t, "", "keys init")
	}
	return g.Run(t, "", "check --online", args...)
}

// eventuallyRefused waits until a login is answered 401.
func eventuallyRefused(t *testing.T, g *gate.Gate, user, password string) {
	t.Helper()
	const patience = 10 * time.Second
	loopback.Eventually(t, patience, func() error {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
		if err == nil && answer.Status != http.StatusUnauthorized {
			err = errors.New(user + " is answered " + answer.Body)
		}
		return err
	})
}
