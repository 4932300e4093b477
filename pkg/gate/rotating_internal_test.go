package gate

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// errOdd is what is wrong with the files of this test.
var errOdd = errors.New("the two files differ")

// TestRotating: files are read again when they change, and only then; while what they hold is bad, the last good value
// stays, and each bad change is told once.
func TestRotating(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	reads := 0
	r := newRotating("tls.cert_file", slog.New(slog.NewTextHandler(&log, nil)), func() (string, error) {
		reads++
		one, errA := os.ReadFile(a)
		two, errB := os.ReadFile(b)
		if err := errors.Join(errA, errB); err != nil {
			return "", err
		}
		if string(one) != string(two) {
			return "", errOdd
		}
		return string(one), nil
	}, a, b)
	if v, err := r.get(); err == nil {
		t.Errorf("get without files = %q, want an error", v)
	}
	replace := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	want := func(text string) {
		t.Helper()
		for range 3 {
			if v, err := r.get(); v != text || err != nil {
				t.Errorf("get = %q, %v, want %q", v, err, text)
			}
		}
	}
	replace(a, "first")
	replace(b, "first")
	want("first")
	replace(a, "other")
	want("first")
	if n := strings.Count(log.String(), errOdd.Error()); n != 1 {
		t.Errorf("the bad change is told %d times, want once: %s", n, log.String())
	}
	replace(b, "other")
	want("other")
	if err := os.Remove(a); err != nil {
		t.Fatal(err)
	}
	want("other")
	if reads > 5 {
		t.Errorf("%d reads, want one for each of 5 changes", reads)
	}
}
