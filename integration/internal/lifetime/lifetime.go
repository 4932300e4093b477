package lifetime

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// binary owns what the tests of this binary share.
var binary = &owner{} //nolint:gochecknoglobals // of the test binary

// owner stands in for the test that owns what all tests share: it ends with the test binary. What fails while it starts
// fails the test that asked first.
type owner struct {
	testing.TB

	mu       sync.Mutex
	cleanups []func()
	dirs     []string
	err      error
	failed   bool
}

// Run runs the tests of a binary, so many at once unless -parallel says otherwise, and then ends what they shared. It
// returns the exit code for TestMain.
func Run(m *testing.M, parallel int) int {
	if err := flag.Set("test.parallel", strconv.Itoa(parallel)); err != nil { // most tests wait
		fmt.Fprintln(os.Stderr, err)
	}
	code := m.Run() // which parses the flags
	binary.failed = code != 0
	if err := binary.end(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// During starts something with an owner that outlives the test. One thing is started at a time.
func During(t *testing.T, start func(testing.TB)) {
	t.Helper()
	binary.mu.Lock()
	binary.TB = t
	binary.mu.Unlock()
	start(binary)
}

// Cleanup puts off an end to the end of all tests.
func (o *owner) Cleanup(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cleanups = append(o.cleanups, f)
}

// Context is not that of the test that asked first.
func (*owner) Context() context.Context { return context.Background() }

// TempDir makes a folder that lives as long as the owner.
func (o *owner) TempDir() string {
	dir, err := os.MkdirTemp("", "wg") //nolint:usetesting // it is not of one test
	if err != nil {
		o.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dirs = append(o.dirs, dir)
	return dir
}

// Errorf is what cleanups call once all tests are over.
func (o *owner) Errorf(format string, args ...any) { o.err = fmt.Errorf(format, args...) }

// Logf is what cleanups call once all tests are over.
func (*owner) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Failed is whether a test or a cleanup failed.
func (o *owner) Failed() bool { return o.failed || o.err != nil }

// end runs the cleanups, the last one first.
func (o *owner) end() error {
	for _, cleanup := range slices.Backward(o.cleanups) {
		cleanup()
	}
	for _, dir := range o.dirs {
		if err := os.RemoveAll(dir); err != nil && o.err == nil {
			o.err = err
		}
	}
	return o.err
}
