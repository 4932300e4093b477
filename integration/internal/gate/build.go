package gate

import (
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gotool"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// built remembers the program of this test run.
var built struct { //nolint:gochecknoglobals // one build a test run
	sync.Mutex
	path string
}

// Program builds the wharfgate program and returns its path.
func Program(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.path != "" {
		return built.path
	}
	defer gotool.OneAtATime(t)()
	path := repository.Path(t, "bin", "integration", "wharfgate")
	args := []string{"build", "-o", path}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if _, err := need.Look("gcc"); err == nil {
		args, env = append(args, "-race"), append(os.Environ(), "CGO_ENABLED=1")
	}
	build := exec.CommandContext(t.Context(), "go", append(args, "./cmd/wharfgate")...) //nolint:gosec // fixed words
	build.Dir, build.Env = repository.Path(t), env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build wharfgate: %v\n%s", err, out)
	}
	built.path = path
	return path
}
