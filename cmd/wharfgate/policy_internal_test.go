package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/gate"
)

const smallPolicy = `version: 1
rules:
  - who: group:payments   # they own it
    can: push
    repos: payments/**
  - who: anyone
    can: pull
    repos: public/**
tests:
  - as: {user: alice, groups: [payments]}
    can: push payments/api
`

// command runs a command line and gives its exit code and what it printed.
func command(t *testing.T, args ...string) (code int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(args, streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

// writePolicy writes a policy file.
func writePolicy(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyCommands(t *testing.T) {
	t.Parallel()
	const denied = `{"version":1,"time":"2026-01-02T03:06:05Z","service":"one","principal":{"kind":"anonymous"},"client":{},` +
		`"scopes":[{"type":"repository","name":"open/x","asked":["pull"],"granted":[]}]}` + "\n"
	good := writePolicy(t, smallPolicy)
	bad := writePolicy(t, strings.Replace(smallPolicy, "can: push", "can: pusk", 1))
	failing := writePolicy(t, strings.Replace(smallPolicy, "push payments/api", "delete payments/api", 1))
	more := writePolicy(t, strings.Replace(smallPolicy, "repos: public/**", "repos: [public/**, open/**]", 1))
	record := writePolicy(t, denied)
	byGroup := writePolicy(t, `{"version":1,"time":"2026-01-02T03:06:05Z","service":"one","principal":{"kind":"person","directory":"corp","id":"1","name":"alice",`+
		`"groups":["cn=payments,dc=test"]},"client":{},"scopes":[{"type":"repository","name":"payments/api","asked":["push"],"granted":["push"]}]}`+"\nrubbish\n")
	untested := writePolicy(t, strings.Split(smallPolicy, "tests:")[0])
	acl := writePolicy(t, "acl:\n- {match: {account: admin}, actions: ['*']}\n")
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"check", []string{"check", good}, exitOK, "2 rules, 1 test, revision "},
		{"check of faults", []string{"check", bad}, exitFaults, `did you mean "push"?`},
		{"check as JSON", []string{"check", bad, "--json"}, exitFaults, `"code":"unknown-action"`},
		{"check of nothing", []string{"check", good + ".not"}, exitFaults, "no such file"},
		{"check without a file", []string{"check"}, exitUsage, ""},
		{"test", []string{"test", good}, exitOK, "1 test with 1 assertion: all hold"},
		{"test that fails", []string{"test", failing}, exitFaults, "1 test with 1 assertion: 1 failed"},
		{"test of faults", []string{"test", bad}, exitFaults, "the tests were not run"},
		{"test as JSON", []string{"test", good, "--json"}, exitOK, `{"ok":true,"tests":1,"assertions":1,"failed":0,"faults":[]}`},
		{"plan", []string{"plan", good, more}, exitOK, "anyone gains pull in open/** (rule 2, " + more + ":6)\n1 change\n"},
		{"plan with exit code", []string{"plan", good, more, "--exit-code"}, exitDiffer, "1 change"},
		{"plan of the same", []string{"plan", good, good, "--exit-code"}, exitOK, "nothing changes for anybody"},
		{"plan of faults", []string{"plan", good, bad}, exitFaults, "pusk"},
		{"plan as JSON", []string{"plan", good, more, "--json"}, exitOK, `"kind":"gains","who":"anyone"`},
		{"replay", []string{"plan", good, more, "--replay", record}, exitOK, "a client without a login gains pull in open/x on one"},
		{"replay, in numbers", []string{"plan", good, more, "--replay", record}, exitOK, "replay: 1 request with 1 decision\n"},
		{"replay, of one", []string{"plan", good, more, "--replay", record}, exitOK, "1 different decision would change; 0 could not be compared; 0 requests were refused without a decision, 0 lines are no known record\n"},
		{"replay without directories", []string{"plan", good, more, "--replay", byGroup}, exitOK, "0 different decisions would change; 1 could not be compared; 0 requests were refused without a decision, 1 line is no known record\n" +
			"note: what could not be compared was decided by another policy than the old one, or by a group whose short name is not known here: name the directories by -c or --directory\n"},
		{"replay with directories", []string{"plan", good, more, "--replay", byGroup, "--directory", "corp"}, exitOK, "0 could not be compared; 0 requests were refused without a decision, 1 line is"},
		{"test without tests", []string{"test", untested}, exitOK, "no tests: the policy has none"},
		{"import", []string{"import", "docker-auth", acl}, exitOK, "- {who: user:admin, can: [push, delete, catalog], repos: \"**\"}"},
		{"import of something else", []string{"import", "zot", acl}, exitFaults, ""},
		{"schema", []string{"schema"}, exitOK, "https://json-schema.org/draft/2020-12/schema"},
		{"allow without asking", []string{"allow", "--file", good, "user:eve", "pull", "x/**"}, exitUsage, "user eve gains pull in x/**"},
		{"allow that cannot be", []string{"allow", "--file", good, "eve", "pull", "x/**", "--yes"}, exitFaults, "unknown subject"},
		{"remove against a test", []string{"remove", "--file", good, "1", "--yes"}, exitFaults, "alice must be able to push payments/api"},
		{"remove of no rule", []string{"remove", "--file", good, "7"}, exitFaults, ""},
		{"remove of nothing", []string{"remove", "--file", good}, exitUsage, ""},
		{"remove dry", []string{"remove", "--file", good, "--line", "7", "--dry-run"}, exitOK, "anyone loses pull in public/**"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, out, problems := command(t, append([]string{"policy"}, test.args...)...)
			if code != test.code || !strings.Contains(out, test.want) {
				t.Errorf("exit %d, want %d; %q in\n%s%s", code, test.code, test.want, out, problems)
			}
		})
	}
	call(t, "", "policy", "remove", "--file", good+".not", "1").want(t, exitFaults, good+".not: cannot be read: no such file")
	t.Cleanup(func() {
		if data, err := os.ReadFile(good); err != nil || string(data) != smallPolicy {
			t.Errorf("the file was changed: %v\n%s", err, data)
		}
	})
}

// TestPolicyAllowAndRemove: a rule comes and goes, and the file is what it was.
func TestPolicyAllowAndRemove(t *testing.T) {
	t.Parallel()
	path := writePolicy(t, smallPolicy)
	code, out, problems := command(t, "policy", "allow", "--file", path, "group:search", "push,delete", "search/**", "--until", "2027-03-31", "--note", "why", "--yes")
	if code != exitOK || !strings.Contains(out, "group search gains pull, push and delete in search/** until 2027-03-31 (rule 3") {
		t.Fatalf("allow: exit %d\n%s%s", code, out, problems)
	}
	data, err := os.ReadFile(path)
	want := strings.Replace(smallPolicy, "tests:", "  - who: group:search\n    can: [push, delete]\n    repos: search/**\n    until: 2027-03-31\n    note: why\ntests:", 1)
	if err != nil || string(data) != want {
		t.Fatalf("the file has\n%s, want\n%s", data, want)
	}
	if code, out, problems = command(t, "policy", "remove", "--file", path, "--line", "11", "--yes"); code != exitOK {
		t.Fatalf("remove: exit %d\n%s%s", code, out, problems)
	}
	if data, err = os.ReadFile(path); err != nil || string(data) != smallPolicy {
		t.Errorf("the file has\n%s", data)
	}
}

// TestPolicyRemoveShowsWhatItOpens before it writes: a can that was the only rule to name a folder.
func TestPolicyRemoveShowsWhatItOpens(t *testing.T) {
	t.Parallel()
	const text = "version: 1\nrules:\n  - who: group:payments\n    can: push\n    repos: payments/**\n  - who: group:team-<team>\n    can: push\n    repos: <team>/**\n"
	path := writePolicy(t, text)
	code, out, problems := command(t, "policy", "remove", "--file", path, "1", "--dry-run")
	if code != exitOK || !strings.Contains(out, "group team-payments gains pull and push in payments/**, a folder that no other rule names any more") ||
		!strings.Contains(out, "caution: this rule was the only one to name a folder") {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != text {
		t.Errorf("the file was changed: %v\n%s", err, data)
	}
	code, out, problems = command(t, "policy", "remove", "--file", path, "2", "--dry-run")
	if code != exitOK || strings.Contains(out, "caution") {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
}

// TestPolicyNames lists, accepts, and says so where there is nothing to accept.
func TestPolicyNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: [user:eve], can: [pull], repos: [a/**]}\n  - {who: [signed-in], can: [push], repos: [users/<user>/**]}\n")
	cfg, err := loadConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	call(t, "", "policy", "names", "-c", s.config).want(t, exitOK, "no login name")
	call(t, "", "policy", "check", "-c", s.config).want(t, exitOK, "no faults")
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	line := `{"directory":"corp","name":"eve","id":"id-1","since":"2026-01-01T00:00:00Z","now":"id-2","now_since":"2026-02-01T00:00:00Z"}` + "\n"
	if err := os.WriteFile(gate.NamesPath(cfg), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "", "policy", "names", "-c", s.config).want(t, exitOK, "eve of directory corp: account id-1", "now account id-2")
	call(t, "", "policy", "names", "-c", s.config, "--json").want(t, exitOK, `"now":"id-2"`)
	call(t, "", "policy", "check", "-c", s.config).want(t, exitOK, "policy.yaml:3:5", "write user-id:id-1", "policy.yaml:4:5", "users/<user>/**")
	call(t, "", "check", "-c", s.config).want(t, exitFaults, "warning  policy: ", "write user-id:id-1") // no keys yet
	call(t, "", "policy", "names", "-c", s.config, "--accept", "bob").want(t, exitFaults, "nothing was changed")
	call(t, "", "policy", "names", "-c", s.config, "--accept", "Eve@corp").want(t, exitOK, "accepted: eve of directory corp is the account id-2 now")
	call(t, "", "policy", "names", "-c", s.config).want(t, exitOK, "no login name")
	got := call(t, "", "policy", "check", "-c", s.config)
	got.want(t, exitOK, "no faults")
	if strings.Contains(got.out, "id-1") {
		t.Errorf("still warned of:\n%s", got.out)
	}
	call(t, "", "policy", "check", "--online", "policy.yaml").want(t, exitUsage, "-c")
}
