package docstest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// block is one fenced block of a page.
type block struct {
	line     int
	language string
	lines    []string
}

// pages are the paths of all pages, from the root.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "CHANGELOG.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			found = append(found, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func readPage(t *testing.T, page string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// blocks finds the fenced blocks of a page; one inside a list is indented, and its indentation is taken away.
func blocks(text string) []block {
	var found []block
	var open *block
	indent := ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		fence := strings.HasPrefix(trimmed, "```")
		switch {
		case fence && open == nil:
			indent = line[:len(line)-len(trimmed)]
			open = &block{line: i + 1, language: strings.TrimPrefix(trimmed, "```")}
		case fence:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, strings.TrimPrefix(line, indent))
		}
	}
	return found
}

// commands gives the command lines of a block: all of a sh block, those after "$ " of a console block. A
// backslash at the end continues a line.
func (b block) commands() []string {
	var lines []string
	for _, line := range b.lines {
		switch {
		case len(lines) > 0 && strings.HasSuffix(lines[len(lines)-1], "\\"):
			last := lines[len(lines)-1]
			lines[len(lines)-1] = strings.TrimSuffix(last, "\\") + strings.TrimLeft(strings.TrimPrefix(line, "> "), " ")
		case b.language == "console":
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				lines = append(lines, command)
			}
		case b.language == "sh" && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
			lines = append(lines, line)
		}
	}
	return lines
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	text := "a\n```sh\n# no\none \\\n  two\n\nthree\n```\n1. b\n   ```console\n   $ four | five\n   output\n   ```\n```yaml\nsix: 6\n```\n"
	found := blocks(text)
	var got []string
	for _, b := range found {
		got = append(got, b.commands()...)
	}
	if want := []string{"one two", "three", "four | five"}; !slices.Equal(got, want) {
		t.Errorf("commands = %q, want %q", got, want)
	}
	if len(found) != 3 || found[2].language != "yaml" || found[2].line != 14 {
		t.Errorf("blocks = %+v, want three, the last of yaml in line 14", found)
	}
}

// anchorOf is the anchor that a heading gets.
func anchorOf(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(heading))
	heading = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(heading, "")
	return strings.ReplaceAll(heading, " ", "-")
}

// TestLinks: every relative link leads to a file, and its anchor to a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(readPage(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path := filepath.Join(filepath.Dir(page), target)
			if target == "" {
				path = page
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
				continue
			}
			if anchor == "" {
				continue
			}
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(readPage(t, path), -1) {
				anchors = append(anchors, anchorOf(h[1]))
			}
			if !slices.Contains(anchors, anchor) {
				t.Errorf("%s: %s: no heading for #%s", page, m[1], anchor)
			}
		}
	}
}

// TestFilesThatAreNamed: a path of the repository that stands in backquotes exists.
func TestFilesThatAreNamed(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile("`((?:pkg|cmd|deploy|integration|docs|tools)/[A-Za-z0-9_./-]*[A-Za-z0-9_/])`")
	for _, page := range pages(t) {
		for _, m := range path.FindAllStringSubmatch(readPage(t, page), -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %s does not exist", page, m[1])
			}
		}
	}
}
