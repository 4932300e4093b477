package docstest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestShellSyntax: every block of commands is shell.
func TestShellSyntax(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, b := range blocks(readPage(t, page)) {
			for _, line := range b.commands() {
				cmd := exec.CommandContext(t.Context(), "bash", "-n")
				cmd.Stdin = strings.NewReader(line + "\n")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s:%d: %s: %s", page, b.line, line, out)
				}
			}
		}
	}
}

// TestMakeTargets: every make target that a page names is there.
func TestMakeTargets(t *testing.T) {
	t.Parallel()
	makefile := readPage(t, "Makefile")
	target := regexp.MustCompile("`make ([a-z-]+)`")
	for _, page := range pages(t) {
		text := readPage(t, page)
		var named []string
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			named = append(named, m[1])
		}
		for _, b := range blocks(text) {
			for _, line := range b.commands() {
				for _, c := range calls(line) {
					if len(c.words) > 1 && c.words[0] == "make" {
						named = append(named, c.words[1])
					}
				}
			}
		}
		for _, name := range named {
			if !strings.Contains(makefile, "\n"+name+":") {
				t.Errorf("%s: there is no make %s", page, name)
			}
		}
	}
}

// TestCommandLines runs each command line of each page, in order, with a directory and files as the pages have
// them; what runs for ever, or belongs to another machine, is only looked at by the binary's parser.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, page := range pages(t) {
		var lines []string
		for _, b := range blocks(readPage(t, page)) {
			lines = append(lines, b.commands()...)
		}
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "wharfgate ") }) ||
			strings.HasPrefix(page, "docs/tutorial/") { // has a test of its own
			continue
		}
		p := newPlace(t)
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "keys init") }) {
			p.run(t, page, []string{"wharfgate", "keys", "init", "-c", "/etc/wharfgate/wharfgate.yaml"})
		}
		for _, line := range lines {
			for _, c := range calls(line) {
				if c.words[0] == "wharfgate" {
					ran++
					p.run(t, page, c.words)
				}
			}
		}
	}
	if ran < 10 {
		t.Errorf("%d command lines were found, which cannot be all", ran)
	}
}

// TestUnknownFlagIsFound: the parser's look at a command line finds what is wrong with it.
func TestUnknownFlagIsFound(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{{"serve", "--unknown"}, {"server"}, {"check", "-c", "x", "--on-line"}} {
		if out, err := parse(t, words); err == nil {
			t.Errorf("wharfgate %s is accepted:\n%s", strings.Join(words, " "), out)
		}
	}
}

// parse lets the binary look at its arguments without doing anything.
func parse(t *testing.T, words []string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), gate.Program(t), append(slices.Clone(words), "--help")...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs one command line that must succeed.
func (p *place) run(t *testing.T, page string, words []string) {
	t.Helper()
	line := strings.Join(words, " ")
	args := words[1:]
	if out, err := parse(t, args); err != nil {
		t.Errorf("%s: %s: %v\n%s", page, line, err, out)
		return
	}
	if args[0] == "serve" {
		return
	}
	for i, a := range args {
		if strings.HasPrefix(a, "/etc/wharfgate/") {
			args[i] = filepath.Join(p.dir, filepath.Base(a))
		}
	}
	cmd := exec.CommandContext(t.Context(), gate.Program(t), args...)
	cmd.Dir, cmd.Stdin = p.dir, strings.NewReader("wonderland\n")
	cmd.Env = environment()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %s: %v\n%s", page, line, err, out.String())
	}
}

// environment lets a program with the race detector in it end at once, and not a second later.
func environment() []string { return append(os.Environ(), "GORACE=exitcode=66 atexit_sleep_ms=0") }
