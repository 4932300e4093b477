// Package gotool builds pinned Go programs that tests run: the tools of a module's go.mod.
package gotool

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// Build builds a tool of the module in a folder of the repository, which Go keeps in its cache, and returns its path.
func Build(t testing.TB, name string, module ...string) string {
	t.Helper()
	find := exec.CommandContext(t.Context(), "go", "tool", "-n", name) //nolint:gosec // fixed words
	find.Dir = repository.Path(t, module...)
	path, err := find.Output()
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return strings.TrimSpace(string(path))
}
