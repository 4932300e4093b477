package docstest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestConsoleOutput: the reference shows what its examples print, but for times, ids and keys. With -update the
// texts are written.
func TestConsoleOutput(t *testing.T) {
	t.Parallel()
	const page = "docs/reference/commands.md"
	p := newPlace(t)
	text := readPage(t, page)
	updated := regexp.MustCompile("(?s)```console\n(.*?)```\n").ReplaceAllStringFunc(text, func(old string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(old) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if !ok {
				continue
			}
			if strings.Contains(command, " serve ") {
				return old
			}
			b.WriteString("$ " + command + "\n" + p.output(t, command))
		}
		b.WriteString("```\n")
		if now := b.String(); skeleton(now) != skeleton(old) {
			if !*update {
				t.Errorf("%s: the output of an example has changed; go test -run ConsoleOutput -update writes it. It is now:\n%s", page, now)
			}
			return now
		}
		return old
	})
	if *update {
		if err := os.WriteFile(filepath.Join(root, page), []byte(updated), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// skeleton takes away what is another at each run.
func skeleton(text string) string {
	for _, varying := range []string{
		`\d+(\.\d+)?(µs|ms|s)\b`, `\d{4}-\d\d-\d\d`, `127\.0\.0\.1:\d+`, `revision \w+`, `[0-9a-f]{32}`, `(?m)^wharfgate .*$`,
	} {
		text = regexp.MustCompile(varying).ReplaceAllString(text, "_")
	}
	return text
}

// output runs the wharfgate of a command line, and gives what it prints if that is not written to a file.
func (p *place) output(t *testing.T, line string) string {
	t.Helper()
	var out string
	for _, c := range calls(line) {
		if c.words[0] != "wharfgate" {
			continue
		}
		args := c.words[1:]
		for i, a := range args {
			if strings.HasPrefix(a, "/etc/wharfgate/") {
				args[i] = filepath.Join(p.dir, filepath.Base(a))
			}
		}
		cmd := exec.CommandContext(t.Context(), gate.Program(t), args...)
		cmd.Dir, cmd.Stdin = p.dir, strings.NewReader("wonderland\n")
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, text)
		}
		out = strings.ReplaceAll(string(text), p.dir, "/etc/wharfgate")
	}
	if strings.Contains(line, " > ") {
		return ""
	}
	return out
}
