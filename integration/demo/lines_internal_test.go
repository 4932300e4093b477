package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// What the demo tells people to type is typed here, line by line; docker without its daemon can only log in.
func TestPrintedLinesDoWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	need.Tools(t, "skopeo", "docker")
	d, err := start(t.Context(), options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	var text strings.Builder
	if err := d.welcome(&text); err != nil {
		t.Fatal(err)
	}
	typed := 0
	for line := range strings.Lines(text.String()) {
		words := typeable(line)
		if words == nil {
			continue
		}
		typed++
		out, err := enter(t, words)
		refused := strings.Contains(line, "releases/") || strings.Contains(line, "search/api") && !strings.Contains(line, "--user bob")
		if (err != nil) != refused {
			t.Errorf("%sends with %v, refused is what it should be: %v\n%s", line, err, refused, out)
		}
	}
	const lines = 10
	if typed != lines {
		t.Errorf("%d lines were typed, want %d", typed, lines)
	}
}

// typeable returns the words of a line that a test can type; nil if there are none.
func typeable(line string) []string {
	words := strings.Fields(line)
	switch {
	case !strings.HasPrefix(line, "  ") || len(words) == 0:
		return nil
	case strings.HasPrefix(line, "  docker login "), words[0] == "skopeo", words[0] == "go":
		return words
	case words[0] == "crane": // what the line above them says it stands for
		return append([]string{"go", "-C", "integration", "tool"}, words...)
	default:
		return nil
	}
}

// enter runs a line as a newcomer does, in the repository's folder, with a home of the test's own.
func enter(t *testing.T, words []string) (string, error) {
	t.Helper()
	home := filepath.Join(filepath.Dir(t.TempDir()), "home") // one for the whole test
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir = repository.Path(t)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+home, "REGISTRY_AUTH_FILE="+filepath.Join(home, "config.json"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
