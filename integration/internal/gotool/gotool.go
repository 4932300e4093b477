package gotool

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// built are the programs that this process has, by module and name.
var built struct { //nolint:gochecknoglobals // what one machine builds
	sync.Mutex
	paths map[string]string
}

// Build builds a tool of the module in a folder of the repository, which Go keeps in its cache, and returns its path.
// One is built at a time, whatever other tests run: a program that is still being written cannot be started.
func Build(t testing.TB, name string, module ...string) string {
	t.Helper()
	folder := repository.Path(t, module...)
	built.Lock()
	defer built.Unlock()
	key := filepath.Join(folder, name)
	if path := built.paths[key]; path != "" {
		return path
	}
	defer OneAtATime(t)()
	find := exec.CommandContext(t.Context(), "go", "tool", "-n", name) //nolint:gosec // fixed words
	find.Dir = folder
	path, err := find.Output()
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	if built.paths == nil {
		built.paths = make(map[string]string)
	}
	built.paths[key] = strings.TrimSpace(string(path))
	return built.paths[key]
}
