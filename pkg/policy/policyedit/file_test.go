package policyedit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyedit"
)

// put writes a file and opens it.
func put(t *testing.T, text string, mode os.FileMode) *policyedit.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return reopen(t, path)
}

func reopen(t *testing.T, path string) *policyedit.File {
	t.Helper()
	f, err := policyedit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	f := put(t, "old", 0o640)
	for _, text := range []string{"new", "newer"} {
		before := string(f.Data())
		if err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, f.Path()); got != text {
			t.Errorf("the file has %q, want %q", got, text)
		}
		if got := content(t, f.Backup()); got != before {
			t.Errorf("the version before has %q, want %q", got, before)
		}
	}
	for _, path := range []string{f.Path(), f.Backup()} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(f.Path())); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestWriteOfChanged(t *testing.T) {
	t.Parallel()
	f := put(t, "old", 0o600)
	if err := os.WriteFile(f.Path(), []byte("somebody else's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Write([]byte("new")); !errors.Is(err, policyedit.ErrChanged) {
		t.Errorf("Write: %v, want ErrChanged", err)
	}
	if got := content(t, f.Path()); got != "somebody else's" {
		t.Errorf("the file has %q", got)
	}
}

func TestOpenOfLink(t *testing.T) {
	t.Parallel()
	f := put(t, "x", 0o600)
	link := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.Symlink(f.Path(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := policyedit.Open(link); !errors.Is(err, policyedit.ErrLinked) || !strings.Contains(err.Error(), f.Path()) {
		t.Errorf("Open: %v, want ErrLinked with the target", err)
	}
	if _, err := policyedit.Open(filepath.Dir(link)); err == nil {
		t.Error("a folder was opened")
	}
}

// TestEditorsAtOnce: every editor that was told of success finds its line in the file.
func TestEditorsAtOnce(t *testing.T) {
	t.Parallel()
	path := put(t, "begin\n", 0o600).Path()
	var editors sync.WaitGroup
	for i := range 8 {
		editors.Go(func() {
			for {
				f, err := policyedit.Open(path)
				if err == nil {
					err = f.Write(append(append([]byte{}, f.Data()...), fmt.Sprintf("line %d\n", i)...))
				}
				if errors.Is(err, policyedit.ErrChanged) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	editors.Wait()
	text := content(t, path)
	for i := range 8 {
		if !strings.Contains(text, fmt.Sprintf("line %d\n", i)) {
			t.Errorf("line %d is lost:\n%s", i, text)
		}
	}
}
