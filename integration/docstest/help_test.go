package docstest_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

var update = flag.Bool("update", false, "write the help of the commands into docs/reference/commands.md")

// TestCommandReference: the reference holds what each command prints as its help, exactly, and no command is
// missing. With -update the texts are written.
func TestCommandReference(t *testing.T) {
	t.Parallel()
	const page = "docs/reference/commands.md"
	text := readPage(t, page)
	mark := regexp.MustCompile("(?s)<!-- help: ([a-z ]*) -->\n```text\n(.*?)```\n")
	seen := map[string]bool{}
	updated := mark.ReplaceAllStringFunc(text, func(old string) string {
		m := mark.FindStringSubmatch(old)
		seen[m[1]] = true
		out := help(t, m[1])
		if out != m[2] && !*update {
			t.Errorf("%s: the help of %q has changed; go test -run Reference -update writes it. It is now:\n%s", page, m[1], out)
		}
		return "<!-- help: " + m[1] + " -->\n```text\n" + out + "```\n"
	})
	if *update {
		if err := os.WriteFile(filepath.Join(root, page), []byte(updated), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range leaves(t, "") {
		if !seen[command] {
			t.Errorf("%s does not have %q", page, command)
		}
	}
}

// help gives what a command prints.
func help(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), gate.Program(t), append(strings.Fields(command), "--help")...)
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("wharfgate %s --help: %v", command, err)
	}
	return string(out)
}

// leaves lists the commands that do something, from the help texts themselves.
func leaves(t *testing.T, parent string) []string {
	t.Helper()
	_, list, ok := strings.Cut(help(t, parent), "\nCommands:\n")
	if !ok {
		return []string{parent}
	}
	var found []string
	for line := range strings.Lines(list) {
		m := regexp.MustCompile(`^  ([a-z]+(?: [a-z]+)*)  `).FindStringSubmatch(line)
		if m != nil { // else a line that goes on, or what stands after the list
			found = append(found, leaves(t, m[1])...)
		}
	}
	return found
}
