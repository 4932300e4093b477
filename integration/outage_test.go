package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/crowd"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

const (
	// worst is how long an answer may take, and slack what a busy machine and the race detector add.
	worst, slack = 5 * time.Second, time.Second
	// recovery is how soon after its directory the gate must serve again.
	recovery = 30 * time.Second
)

func TestP19_NoDirectoryIs503(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	other := slapd.Start(t, slapd.Options{}) // whose authority did not sign d's certificate
	closed := loopback.Ports(t, 1)
	cases := map[string]func(gate.Settings){
		"unreachable": func(s gate.Settings) { s.Directory()["servers"] = []string{"ldaps://" + loopback.Host(closed)} },
		"tls failure": func(s gate.Settings) { s.Directory()["tls"] = gate.Settings{"ca_file": other.CAFile} },
		"not tls": func(s gate.Settings) {
			s.Directory()["servers"] = []string{strings.Replace(d.PlainURL, "ldap:", "ldaps:", 1)}
		},
		"no service account": func(s gate.Settings) {
			s.Directory()["bind"].(gate.Settings)["dn"] = "cn=nobody," + d.BaseDN
		},
	}
	for name, edit := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGate(t, d, edit) // it starts, and is ready, without its directory
			wantUnavailable(t, g, d.Password)
		})
	}
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		g := startGate(t, other)
		settle(t, other, g)
		other.Pause(t)
		defer other.Resume(t)
		wantUnavailable(t, g, other.Password)
	})
}

// wantUnavailable fails unless GET and POST answer 503 as the one table of errors has it.
func wantUnavailable(t *testing.T, g *gate.Gate, password string) {
	t.Helper()
	a := g.Asker(serviceV3)
	for method, ask := range map[string]func(context.Context, string, string, ...string) (client.Answer, error){"GET": a.Ask, "POST": a.Post} {
		answer, err := ask(t.Context(), "alice", password, "repository:payments/api:pull")
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Errors []struct{ Code string }
		}
		if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
			t.Errorf("%s: body %q: %v", method, answer.Body, err)
		}
		if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || answer.Token != "" ||
			len(body.Errors) != 1 || body.Errors[0].Code != "UNAVAILABLE" {
			t.Errorf("%s = %d, Retry-After %q, %s, want 503 UNAVAILABLE", method, answer.Status, answer.Header.Get("Retry-After"), answer.Body)
		}
		if answer.Took > worst+slack {
			t.Errorf("%s took %v, want at most %v", method, answer.Took, worst)
		}
	}
}

func TestP21_HangingDirectoryIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	settle(t, d, g)
	d.Pause(t)
	a := g.Asker(serviceV3)
	for _, user := range []string{"alice", "u00002", "u00003", "u00004"} { // known, and not known yet
		answer, err := a.Ask(t.Context(), user, d.Password)
		if err != nil || answer.Status != http.StatusServiceUnavailable {
			t.Fatalf("a frozen directory = %d %s, %v, want 503", answer.Status, answer.Body, err)
		}
		if answer.Took > worst+slack {
			t.Errorf("answer took %v, want at most %v", answer.Took, worst)
		}
	}
	// After three time-outs in a row nobody waits any more.
	answer, err := a.Ask(t.Context(), "u00005", d.Password)
	if err != nil || answer.Status != http.StatusServiceUnavailable || answer.Took > time.Second {
		t.Errorf("once it is known to be away = %d after %v, %v, want 503 within a second", answer.Status, answer.Took, err)
	}
	d.Resume(t)
	awaitService(t, g, d.Password)
}

// awaitService waits until tokens are granted again.
func awaitService(t *testing.T, g *gate.Gate, password string) {
	t.Helper()
	loopback.Eventually(t, recovery, func() error {
		answer, err := g.Asker(serviceV3).Ask(t.Context(), "alice", password)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("the gate answers %d", answer.Status)
		}
		return err
	})
}

func TestDirectoryKilledFrozenAndRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	load := startLoad(t, g, d.Password)
	load.Await(t, http.StatusOK, 100)
	files, goroutines := g.Usage(t)

	d.Kill(t)
	load.Await(t, http.StatusServiceUnavailable, 50)
	d.Restart(t)
	awaitService(t, g, d.Password)
	load.Await(t, http.StatusOK, 100)

	d.Pause(t)
	load.Await(t, http.StatusServiceUnavailable, 50)
	d.Resume(t)
	awaitService(t, g, d.Password)
	load.Await(t, http.StatusOK, 100)

	d.Pause(t)
	load.Await(t, http.StatusServiceUnavailable, 20)
	d.Kill(t)
	load.Await(t, http.StatusServiceUnavailable, 50)
	d.Restart(t)
	awaitService(t, g, d.Password)
	load.Await(t, http.StatusOK, 100)

	load.Stop(t)
	const margin = 8 // idle connections of the load and of the pools come and go
	loopback.Eventually(t, recovery, func() error {
		if f, n := g.Usage(t); f > files+margin || n > goroutines+margin {
			return fmt.Errorf("open files %d and goroutines %d, before the outages %d and %d", f, n, files, goroutines)
		}
		return nil
	})
}

// startLoad asks as several accounts from several clients until the crowd is stopped.
func startLoad(t *testing.T, g *gate.Gate, password string) *crowd.Crowd {
	t.Helper()
	return crowd.Start(t, g.Asker(serviceV3), crowd.Options{
		Users:    []string{"alice", "nora", "carol", "dana", "u00001", "u00002", "u00003", "u00004"},
		Password: password, Scope: "repository:payments/api:pull,push", Worst: worst + slack, Patience: recovery,
	})
}
