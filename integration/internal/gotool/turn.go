package gotool

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// OneAtATime waits until no other test, of any process, builds a program: one that is being written cannot be started.
func OneAtATime(t testing.TB) (done func()) {
	t.Helper()
	folder := repository.Path(t, "bin", "integration")
	const usual = 0o750
	if err := os.MkdirAll(folder, usual); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		t.Fatalf("wait for other builds: %v", err)
	}
	return func() {
		if err := dir.Close(); err != nil {
			t.Errorf("let others build: %v", err)
		}
	}
}
