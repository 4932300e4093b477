package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

func TestLoginWithoutDirectory(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const password = "wonderland-of-alice"
	got := call(t, password+"\n", "login", "-c", s.config, "alice")
	got.want(t, exitFaults, "login refused: unavailable", "could not be asked", "wharfgate check --online")
	if strings.Contains(got.out+got.err, password) {
		t.Error("the password is shown")
	}
	var result loginResult
	got = call(t, password, "login", "-c", s.config, "--json", "alice")
	got.want(t, exitFaults)
	if err := json.Unmarshal([]byte(got.out), &result); err != nil || result.OK || result.Reason != identity.ReasonUnavailable {
		t.Errorf("login --json = %s (%v)", got.out, err)
	}
}

// TestCheckOfARefusedAccount: what counts as a fault has a line of its own that says so.
func TestCheckOfARefusedAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t).withKeys(t)
	got := call(t, "", "check", "-c", s.config, "--user", "alice")
	got.want(t, exitFaults, "\nfault    account alice: login refused: unavailable. The directory could not be asked", "\n1 fault\n", "the cause: ")
	var found struct{ Findings []gate.Finding }
	got = call(t, "", "check", "-c", s.config, "--user", "alice", "--json")
	if err := json.Unmarshal([]byte(got.out), &found); err != nil || !slices.ContainsFunc(found.Findings, func(f gate.Finding) bool {
		return f.Severity == gate.Fault && f.Where == "account alice"
	}) {
		t.Errorf("check --user --json = %s (%v), want a fault of the account", got.out, err)
	}
}

func TestLoginPasswords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	call(t, "", "login", "-c", s.config, "alice").want(t, exitFaults, "login refused: wrong_password", "empty password")
	call(t, strings.Repeat("x", maxPassword+1), "login", "-c", s.config, "alice").want(t, exitFaults, "longer than 4096 bytes")
	call(t, "x", "login", "-c", s.config, "a\x00b").want(t, exitFaults, "login refused: bad_name")
}

// TestRightsOfATemplate: a rule is shown once, whatever the number of groups through which it speaks.
func TestRightsOfATemplate(t *testing.T) {
	t.Parallel()
	const text = `version: 1
rules:
  - {who: ["group:team-<team>"], can: [pull, push], repos: ["<team>/**", common/**]}
  - {who: [signed-in], can: [pull], repos: [public/**]}
`
	p, err := policyfile.Parse("policy.yaml", []byte(text), policyfile.Options{
		Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: "dc=test"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var who identity.Principal
	who.Kind, who.Source, who.ID, who.Name = identity.Person, "corp", "1", "alice"
	for _, team := range []string{"team-a", "team-b"} {
		who.Groups = append(who.Groups, identity.NewGroup(team, "cn="+team+",dc=test", team))
	}
	result := loginResult{OK: true, DN: "uid=alice", Name: "alice", Rights: rightsOf(p.Rights(who))}
	if got := result.Rights; len(got) != 2 || strings.Join(got[0].Repos, " ") != "a/** common/** b/**" ||
		strings.Join(got[0].Groups, " ") != "cn=team-a,dc=test cn=team-b,dc=test" {
		t.Fatalf("rightsOf = %+v", got)
	}
	var b strings.Builder
	if err := result.print(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(b.String(), "policy.yaml:3"), 1; got != want {
		t.Errorf("the rule is shown %d times:\n%s", got, b.String())
	}
}

func TestMeaningOfEveryReason(t *testing.T) {
	t.Parallel()
	for _, reason := range identity.Reasons() {
		if text := meaning(reason); !strings.HasSuffix(text, ".") {
			t.Errorf("meaning(%s) = %q, want a sentence", reason, text)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	call(t, "", "explain", "-c", s.config, "pull", "public/hello").want(t, exitOK, "granted", "policy.yaml:3")
	got := call(t, "", "explain", "-c", s.config, "pull", "z/last", "public/b", "public/a")
	got.want(t, exitFaults, "not granted")
	last, b, a := strings.Index(got.out, "z/last"), strings.Index(got.out, "public/b"), strings.Index(got.out, "public/a")
	if last < 0 || b < last || a < b {
		t.Errorf("the answers are not in the order of the question:\n%s", got.out)
	}
	call(t, "", "explain", "-c", s.config, "--user", "alice", "pull", "a").want(t, exitFaults, `read the account "alice": unavailable`)

	var answer struct {
		Account map[string]string
		Granted bool
		Scopes  []explanation
	}
	got = call(t, "", "explain", "-c", s.config, "--json", "pull", "public/hello")
	got.want(t, exitOK)
	if err := json.Unmarshal([]byte(got.out), &answer); err != nil || !answer.Granted || len(answer.Scopes) != 1 ||
		answer.Scopes[0].Scope != "repository:public/hello:pull" || len(answer.Scopes[0].Rules) != 1 || answer.Account["kind"] != "anonymous" {
		t.Errorf("explain --json = %s (%v)", got.out, err)
	}
}

func TestExplainUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	call(t, "", "explain", "-c", s.config, "pull").want(t, exitUsage, "name a repository")
	call(t, "", "explain", "-c", s.config, "catalog", "a").want(t, exitUsage, "catalog takes no repository")
	call(t, "", "explain", "-c", s.config, "pull", "Not/Legal").want(t, exitUsage, "is no repository name")
	call(t, "", "explain", "-c", s.config, "--from", "here", "pull", "a").want(t, exitUsage, `--from "here" is no address`)
	call(t, "", "explain", "-c", s.config, "--at", "tomorrow", "pull", "a").want(t, exitUsage, `--at "tomorrow" is no time`)
	call(t, "", "explain", "-c", s.config, "--registry", "other", "pull", "a").want(t, exitUsage, "--registry: registry.test")
	two := newSite(t, "REGISTRIES", "[{service: a.test}, {service: b.test}]")
	call(t, "", "explain", "-c", two.config, "pull", "a").want(t, exitUsage, "--registry: a.test, b.test")
	closed := newSite(t)
	closed.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: [signed-in], can: [pull], repos: ['**']}\n")
	call(t, "", "explain", "-c", closed.config, "pull", "a").want(t, exitFaults, "no rule for anyone", "--user")
}

func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[time.Duration]string{time.Second: "", 3 * time.Second: "asking the directory ...\n"} {
			var b strings.Builder
			stop := tell(&b, "asking the directory", quiet)
			time.Sleep(after) // of the bubble's clock
			stop()
			if got := b.String(); got != want {
				t.Errorf("after %v it says %q, want %q", after, got, want)
			}
		}
	})
}

// TestExplainElsewhereAndThen: address and time are those of the question.
func TestExplainElsewhereAndThen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, "policy.yaml", `version: 1
rules:
  - who: anyone
    can: pull
    repos: public/**
    from: 10.0.0.0/8
    until: 2026-12-31
`)
	explain := func(flags ...string) outcome {
		return call(t, "", append(append([]string{"explain", "-c", s.config}, flags...), "pull", "public/a")...)
	}
	explain("--from", "10.1.2.3", "--at", "2026-12-31T23:59:59Z").want(t, exitOK, "granted")
	explain("--from", "10.1.2.3", "--at", "2027-01-01T00:00:00Z").want(t, exitFaults, "not granted")
	explain("--from", "192.168.1.1", "--at", "2026-12-31T00:00:00Z").want(t, exitFaults, "not granted")
}

// whoPolicy speaks about one folder in several ways.
const whoPolicy = `version: 1
rules:
  - {who: anyone, can: pull, repos: public/**}
  - {who: "group:team-<team:payments|search>", can: push, repos: <team>/**}
  - {who: user:eve, can: delete, repos: payments/**, from: 10.0.0.0/8, until: 2026-12-31}
  - {who: "group:interns", cannot: push, repos: payments/**}
`

// TestExplainWho: --repo alone lists who can do what, as the policy names them, and asks no directory.
func TestExplainWho(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, "policy.yaml", whoPolicy)
	who := func(args ...string) outcome {
		got := call(t, "", append([]string{"explain", "-c", s.config, "--at", "2026-12-01T00:00:00Z"}, args...)...)
		got.want(t, exitOK)
		got.out = strings.ReplaceAll(got.out, s.dir+"/", "")
		return got
	}
	for repo, want := range map[string]string{
		"payments/api": `payments/api on registry.test:
  group team-payments can pull and push (rule 2, policy.yaml:4)
taken away from whoever it is given to:
  nobody in group interns can push (rule 4, policy.yaml:6)
but for one condition:
  user eve could pull and delete if the client's address were in 10.0.0.0/8; it is unknown (rule 3, policy.yaml:5)
`,
		"public/x": "public/x on registry.test:\n  anyone can pull (rule 1, policy.yaml:3)\n",
		"payments": "no rule speaks about payments on registry.test: nobody can do anything there\n",
	} {
		if got := who("--repo", repo).out; got != want {
			t.Errorf("explain --repo %s =\n%s\nwant\n%s", repo, got, want)
		}
	}
	who("--repo", "payments/api", "--from", "10.1.2.3").want(t, exitOK, "user eve can pull and delete from 10.0.0.0/8 until 2026-12-31 (rule 3")
	who("--repo", "payments/api", "--from", "10.1.2.3", "--at", "2027-01-01T00:00:00Z").want(t, exitOK, "if it had not ended 2026-12-31")
	s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: signed-in, cannot: pull, repos: x/**}\n")
	who("--repo", "x/y").want(t, exitOK, "no rule that is in force gives anything", "nobody signed in can pull, push and delete")
	s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: signed-in, cann: pull, repos: x/**}\n")
	call(t, "", "explain", "-c", s.config, "--repo", "x/y").want(t, exitFaults, "policy.yaml:3", "did you mean")
}

func TestExplainWhoJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t, "REGISTRIES", "[{service: a.test}, {service: b.test}]")
	s.write(t, "policy.yaml", whoPolicy+"  - {who: robot:ci, can: pull, repos: payments/**, on: b.test}\n")
	var answer struct {
		Registry, Repository string
		Rules                []holding
	}
	got := call(t, "", "explain", "-c", s.config, "--json", "--registry", "b.test", "--repo", "payments/api", "--from", "10.0.0.1", "--at", "2027-01-01T00:00:00Z")
	got.want(t, exitOK)
	if err := json.Unmarshal([]byte(got.out), &answer); err != nil || len(answer.Rules) != 4 || answer.Registry != "b.test" || answer.Repository != "payments/api" {
		t.Fatalf("explain --json --repo = %s (%v)", got.out, err)
	}
	team, eve, interns, robot := answer.Rules[0], answer.Rules[1], answer.Rules[2], answer.Rules[3]
	if team.Subject != "group:team-payments" || team.Directory != "corp" || team.Rule != 2 || !team.InForce || strings.Join(team.Actions, ",") != "pull,push" {
		t.Errorf("the team is %+v", team)
	}
	if eve.InForce || eve.Lack == "" || interns.Effect != "cannot" || robot.Subject != "robot:ci" || !robot.InForce {
		t.Errorf("the others are %+v", answer.Rules[1:])
	}
	got = call(t, "", "explain", "-c", s.config, "--json", "--registry", "a.test", "--repo", "nowhere")
	got.want(t, exitOK, `"rules":[]`)
	call(t, "", "explain", "-c", s.config, "--repo", "payments/api").want(t, exitUsage, "--registry: a.test, b.test")
	call(t, "", "explain", "-c", s.config, "--registry", "a.test", "--repo", "Not/Legal").want(t, exitUsage, "is no repository name")
}

// TestWhatToTypeAtALogin: in the place of the name that the policy writes.
func TestWhatToTypeAtALogin(t *testing.T) {
	t.Parallel()
	cfg := config.Config{Directories: []config.Directory{
		{Name: "corp", Default: true, Realms: []string{"CORP"}}, {Name: "partner", Realms: []string{"partner.example", "PARTNER"}}, {Name: "third"},
	}}
	for name, want := range map[string]string{
		"alice@corp": "type alice at a login", "alice@partner": "type alice@partner.example at a login", "alice@third": "type alice with --directory third",
		"alice": "", "alice@partner.example": "", "alice@nowhere": "",
	} {
		got := (&loginCmd{User: name}).hint(cfg, identity.ReasonNotFound)
		if want == "" && got != "" || !strings.HasSuffix(got, want) {
			t.Errorf("hint for %s = %q, want %q at its end", name, got, want)
		}
		if got := (&loginCmd{User: name}).hint(cfg, identity.ReasonLocked); got != "" {
			t.Errorf("hint for %s that is locked = %q", name, got)
		}
	}
}
