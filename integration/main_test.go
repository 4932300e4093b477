package integration_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// TestMain runs the tests and then ends what they shared.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "5"); err != nil { // most tests wait; -parallel still overrides it
		fmt.Fprintln(os.Stderr, err)
	}
	code := m.Run()
	shared.failed = code != 0
	if err := shared.end(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // a fault of the last cleanups has no test to fail
}

// lifetime stands in for the test that owns what all tests share: it ends with the test binary. What fails
// while it starts fails the test that asked first.
type lifetime struct {
	testing.TB

	mu       sync.Mutex
	cleanups []func()
	dirs     []string
	err      error
	failed   bool
}

// shared is the owner of what tests share.
var shared = &lifetime{}

// during makes the owner speak through a test while do runs.
func (l *lifetime) during(t *testing.T, do func()) {
	t.Helper()
	l.mu.Lock()
	l.TB = t
	l.mu.Unlock()
	do()
}

// Cleanup puts off an end to the end of all tests.
func (l *lifetime) Cleanup(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleanups = append(l.cleanups, f)
}

// Context is not that of the test that asked first.
func (*lifetime) Context() context.Context { return context.Background() }

// TempDir makes a folder that lives as long as the owner.
func (l *lifetime) TempDir() string {
	dir, err := os.MkdirTemp("", "wg")
	if err != nil {
		l.Fatal(err)
	}
	l.dirs = append(l.dirs, dir)
	return dir
}

// Errorf is what cleanups call once all tests are over.
func (l *lifetime) Errorf(format string, args ...any) { l.err = fmt.Errorf(format, args...) }

// Logf is what cleanups call once all tests are over.
func (*lifetime) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Failed is whether a test or a cleanup failed.
func (l *lifetime) Failed() bool { return l.failed || l.err != nil }

// end runs the cleanups, the last one first.
func (l *lifetime) end() error {
	for _, cleanup := range slices.Backward(l.cleanups) {
		cleanup()
	}
	for _, dir := range l.dirs {
		if err := os.RemoveAll(dir); err != nil && l.err == nil {
			l.err = err
		}
	}
	return l.err
}
