package repository

import (
	"os"
	"path/filepath"
	"testing"
)

// Path joins elements to the root of the repository, which is found upwards from the working directory.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "integration", "testbed")); err == nil {
			return filepath.Join(append([]string{dir}, elem...)...)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("the tests do not run inside the repository")
		}
		dir = parent
	}
}
