package need_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
)

// witness stands in for the test that a helper is called from.
type witness struct {
	testing.TB

	fatal bool
	why   string
}

func (w *witness) Helper()               {}
func (w *witness) Fatalf(string, ...any) { w.fatal = true }
func (w *witness) Skip(why ...any)       { w.why = fmt.Sprint(why...) }

func TestMissingToolSkips(t *testing.T) {
	t.Setenv("CI", "")
	w := &witness{TB: t}
	need.Tools(w, "sh", "no-such-command")
	if w.why != "missing no-such-command (Debian package no-such-command)" || w.fatal {
		t.Errorf("skipped for %q, failed = %v, want a skip that names what is missing", w.why, w.fatal)
	}
}

func TestMissingToolFailsInCI(t *testing.T) {
	t.Setenv("CI", "true")
	w := &witness{TB: t}
	need.Tools(w, "no-such-command")
	if !w.fatal {
		t.Error("a missing tool did not fail the test with CI=true")
	}
}

func TestToolThatIsThere(t *testing.T) {
	t.Parallel()
	if paths := need.Tools(t, "sh"); len(paths) != 1 || !filepath.IsAbs(paths[0]) {
		t.Errorf("Tools(sh) = %q, want one absolute path", paths)
	}
}
