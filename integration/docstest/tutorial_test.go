package docstest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

const tutorial = "docs/tutorial/first-push.md"

// TestTutorial does what the tutorial says, line by line, against the demo that it starts. A line of output that
// the page shows must come; what begins with Error must fail.
func TestTutorial(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	refused := ""
	for _, b := range blocks(readPage(t, tutorial)) {
		if b.language == "yaml" && len(b.lines) > 0 && strings.Contains(b.lines[0], "user:") {
			d.edit(t, func(policy string) string { return policy + "\n" + strings.Join(b.lines, "\n") + "\n" })
		}
		command, shown := "", []string(nil)
		for _, line := range append(b.lines, "$ end") {
			next, isCommand := strings.CutPrefix(line, "$ ")
			if b.language != "console" || !isCommand {
				shown = append(shown, line)
				continue
			}
			if strings.Contains(command, " check ") {
				d.edit(t, func(policy string) string { return strings.Replace(policy, "can: push", "can: pusk", 1) })
			}
			if command == refused && refused != "" { // in force as soon as it is saved
				loopback.Eventually(t, 10*time.Second, func() error { _, err := d.run(t, command); return err })
			} else if command != "" {
				d.try(t, command, shown)
			}
			if strings.HasPrefix(strings.Join(shown, ""), "Error") {
				refused = command
			}
			command, shown = next, nil
		}
	}
	if refused == "" {
		t.Error("the tutorial shows no refusal")
	}
}

// demo is a demo that runs.
type demo struct {
	registry, config, policy, home string
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./demo")
	build.Dir = filepath.Join(root, "integration")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the demo: %v\n%s", err, out)
	}
	p := proc.Start(t, nil, program, "-any-ports")
	loopback.Eventually(t, time.Minute, func() error {
		if strings.Contains(p.Out.String(), "Ctrl-C") {
			return nil
		}
		return &notYetError{p.Err.String()}
	})
	printed := p.Out.String()
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(printed)
		if m == nil {
			t.Fatalf("the demo does not print %s:\n%s", pattern, printed)
		}
		return m[1]
	}
	config := find(`explain -c (\S+)`)
	return &demo{
		registry: find(`docker login (\S+)`), config: config, home: t.TempDir(),
		policy: filepath.Join(filepath.Dir(config), "policy.yaml"),
	}
}

// notYetError means that the demo is still starting.
type notYetError struct{ problems string }

func (e *notYetError) Error() string { return "the demo is not ready: " + e.problems }

// edit changes the policy as an editor does.
func (d *demo) edit(t *testing.T, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(d.policy)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.policy, []byte(change(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// try runs a command and compares what it prints with what the page shows.
func (d *demo) try(t *testing.T, command string, shown []string) {
	t.Helper()
	if strings.HasPrefix(command, "make ") || strings.HasPrefix(command, "alias ") {
		return // the demo runs, and crane is put in front of each line
	}
	out, err := d.run(t, command)
	text := strings.Join(shown, "\n")
	wantFailure := strings.HasPrefix(text, "Error") || strings.Contains(command, " check ") || strings.Contains(command, "--user alice")
	if (err != nil) != wantFailure {
		t.Errorf("%s: %v, want an error: %v\n%s", command, err, wantFailure, out)
	}
	for _, line := range shown {
		for part := range strings.SplitSeq(line, "...") {
			if part = strings.TrimSpace(part); !strings.Contains(out, part) {
				t.Errorf("%s: the page shows %q, but it prints:\n%s", command, part, out)
			}
		}
	}
}

// run runs a command with what the demo printed in the place of what the page has.
func (d *demo) run(t *testing.T, command string) (string, error) {
	t.Helper()
	command = strings.NewReplacer(
		"localhost:5055", d.registry, "go run ./cmd/wharfgate", gate.Program(t), "-c wharfgate.yaml", "-c "+d.config,
	).Replace(command)
	if strings.HasPrefix(command, "crane ") {
		command = "go -C integration tool " + command
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
	cmd.Dir = root
	cmd.Env = append(environment(), "DOCKER_CONFIG="+d.home)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
