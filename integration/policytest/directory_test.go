package policytest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// moving is a policy that follows names.
const moving = `version: 1
rules:
  - {who: "user:eve", can: push, repos: payments/**}
  - {who: signed-in, can: push, repos: users/<user>/**}
  - {who: "group:payments", can: push, repos: payments/**}
`

// shorten lets the directory forget quickly, so that a test sees a new account soon.
func shorten(s gate.Settings) { s.Directory()["cache"] = gate.Settings{"ttl": "1s"} }

// must fails the test if a command did not end as wanted or does not say the texts.
func must(t *testing.T, c gate.Command, code int, says ...string) {
	t.Helper()
	if c.Code != code {
		t.Errorf("exit code %d, want %d\n%s%s", c.Code, code, c.Out, c.Err)
	}
	for _, text := range says {
		if !strings.Contains(c.Out+c.Err, text) {
			t.Errorf("it does not say %q:\n%s%s", text, c.Out, c.Err)
		}
	}
}

// login asks for a token to push.
func login(t *testing.T, g *gate.Gate, user, password, repo string) (status int, granted bool) {
	t.Helper()
	a, err := g.Asker(gate.Service).Ask(t.Context(), user, password, "repository:"+repo+":push,pull")
	if err != nil {
		t.Fatal(err)
	}
	for _, access := range a.Claims.Access {
		granted = granted || slices.Contains(access.Actions, "push")
	}
	return a.Status, granted
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// TestANameThatIsGivenToSomebodyElse: eve leaves, another eve comes. The gate was killed in between, keeps nobody out,
// and tells it in the log, the metric and both checks; user-id keeps the right with the account.
func TestANameThatIsGivenToSomebodyElse(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.AddPerson(t, "eve")
	g := gate.Start(t, d, moving, shorten)
	memory := filepath.Join(filepath.Dir(g.ConfigFile), "state", "login-names.jsonl")
	if status, granted := login(t, g, "eve", d.Password, "users/eve/x"); status != http.StatusOK || !granted {
		t.Fatalf("eve is answered %d, granted %v", status, granted)
	}
	var first struct {
		Account struct{ ID string }
	}
	explained := g.Run(t, "", "explain", "--user", "eve", "--json", "push", "payments/api")
	if err := json.Unmarshal([]byte(explained.Out), &first); err != nil || first.Account.ID == "" {
		t.Fatalf("%s, %v", explained.Out, err)
	}
	eventually(t, "eve is remembered", func() bool {
		data, _ := os.ReadFile(memory)
		return strings.Contains(string(data), first.Account.ID)
	})
	must(t, g.Run(t, "", "policy names"), 0, "no login name")
	kill(t, g)

	d.Remove(t, d.PersonDN("eve"))
	must(t, g.Run(t, "", "policy check", "--online"), 0, "has no account with the login name", "user-id:"+first.Account.ID)
	d.AddPerson(t, "eve")
	must(t, g.Run(t, "", "policy check", "--online"), 0, "belonged to the account "+first.Account.ID, "write user-id:"+first.Account.ID, "policy names --accept eve")

	g.Serve(t)
	if status, granted := login(t, g, "eve", d.Password, "users/eve/x"); status != http.StatusOK || !granted {
		t.Fatalf("the new eve is answered %d, granted %v: the memory must keep nobody out", status, granted)
	}
	told := func(line string) bool {
		return strings.Contains(line, "belongs to another account now") && strings.Contains(line, first.Account.ID)
	}
	if _, err := g.Process.Line(limited(t), g.Process.Err, told); err != nil {
		t.Fatalf("the log does not tell it: %v", err)
	}
	eventually(t, "the metric counts it", func() bool {
		return strings.Contains(g.Metrics(t), `wharfgate_policy_moved_names{directory="corp"} 1`)
	})
	must(t, g.Run(t, "", "check"), 0, "belonged to the account "+first.Account.ID, "<user> in users/<user>/** gives these")
	var report struct{ Warnings []struct{ Code string } }
	checked := g.Run(t, "", "policy check", "--json")
	if err := json.Unmarshal([]byte(checked.Out), &report); err != nil || len(report.Warnings) != 2 || report.Warnings[0].Code != "name-moved" {
		t.Errorf("policy check --json = %s, %v", checked.Out, err)
	}
	must(t, g.Run(t, "", "policy names"), 0, "eve of directory corp: account "+first.Account.ID, "; now account")

	g.SetPolicy(t, strings.Replace(moving, "user:eve", "user-id:"+first.Account.ID, 1))
	eventually(t, "the account is meant and not the name", func() bool {
		_, granted := login(t, g, "eve", d.Password, "payments/api")
		return !granted
	})
	must(t, g.Run(t, "", "explain", "--user", "eve", "push", "payments/api"), 1, "if eve were the account "+first.Account.ID)

	must(t, g.Run(t, "", "policy names", "--accept", "eve"), 0, "accepted: eve")
	must(t, g.Run(t, "", "policy names", "--accept", "eve"), 1, "nothing was changed")
	eventually(t, "the metric forgets it", func() bool {
		return strings.Contains(g.Metrics(t), `wharfgate_policy_moved_names{directory="corp"} 0`)
	})
}

// limited gives the patience of one wait.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// kill ends the gate as a power cut does.
func kill(t *testing.T, g *gate.Gate) {
	t.Helper()
	if err := g.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	<-g.Process.Ended()
}

// TestCheckOfGroupsThatTheDirectoryDoesNotKnow: a warning with its place, with --online alone; a cannot is a fault, and so
// is any rule for the check of the whole gate.
func TestCheckOfGroupsThatTheDirectoryDoesNotKnow(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.AddGroup(t, slapd.Names, "payments", d.PersonDN("alice"))
	g := gate.Prepare(t, d, "version: 1\nrules:\n  - {who: [\"group:payments\", \"group:paiments\"], can: push, repos: payments/**}\n")
	must(t, g.Run(t, "", "policy check"), 0, "no faults")
	got := g.Run(t, "", "policy check", "--online")
	must(t, got, 0, `does not know the group "paiments"`, "policy.yaml:3:5", "correct the name, or make the group", "no faults")
	if strings.Contains(got.Out, `"payments"`) {
		t.Errorf("a group that is there is warned of:\n%s", got.Out)
	}
	must(t, g.Run(t, "", "check", "--online"), 1, "fault    policy: ", `does not know the group "paiments"`, "1 named group found")
	var report struct{ Warnings []struct{ Code string } }
	checked := g.Run(t, "", "policy check", "--online", "--json")
	if err := json.Unmarshal([]byte(checked.Out), &report); err != nil || len(report.Warnings) != 1 || report.Warnings[0].Code != "group-not-found" {
		t.Errorf("policy check --online --json = %s, %v", checked.Out, err)
	}
	g.SetPolicy(t, "version: 1\nrules:\n  - {who: \"group:paiments\", cannot: push, repos: payments/**}\n")
	must(t, g.Run(t, "", "policy check", "--online"), 1, `does not know the group "paiments", and a cannot must not miss anybody`)
	d.Kill(t)
	must(t, g.Run(t, "", "policy check", "--online"), 0, "could not be asked")
}

// TestExplainRepoOnARealDirectory: who can do what somewhere, as the policy names them, is what each of them is granted.
func TestExplainRepoOnARealDirectory(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.AddGroup(t, slapd.Names, "payments", d.PersonDN("alice"))
	d.AddPerson(t, "robin")
	d.AddGroup(t, slapd.Names, "team-search", d.PersonDN("robin"))
	g := gate.Start(t, d, `version: 1
rules:
  - {who: "group:payments", can: push, repos: payments/**}
  - {who: "group:team-<team>", can: [push, delete], repos: <team>/**}
  - {who: anyone, can: pull, repos: public/**}
  - {who: signed-in, except: "group:payments", cannot: delete, repos: "*/prod/**"}
`)
	must(t, g.Run(t, "", "explain", "--repo", "payments/api"), 0, "group payments can pull and push", "policy.yaml:3")
	must(t, g.Run(t, "", "explain", "--repo", "search/prod/api"), 0, "group team-search can pull, push and delete", "taken away", "policy.yaml:6")
	must(t, g.Run(t, "", "explain", "--repo", "public/x"), 0, "anyone can pull")
	must(t, g.Run(t, "", "explain", "--repo", "nowhere"), 0, "nobody can do anything there")
	for user, repo := range map[string]string{"alice": "payments/api", "robin": "search/prod/api"} {
		if status, granted := login(t, g, user, d.Password, repo); status != http.StatusOK || !granted {
			t.Errorf("%s on %s: %d, granted %v", user, repo, status, granted)
		}
	}
	d.Kill(t) // it needs no directory
	got := g.Run(t, "", "explain", "--repo", "payments/api", "--json")
	must(t, got, 0, `"repository":"payments/api"`)
	if !regexp.MustCompile(`"subject":"group:payments".*"actions":\["pull","push"\]`).MatchString(got.Out) {
		t.Errorf("--json = %s", got.Out)
	}
}
