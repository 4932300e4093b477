//go:build unix

package refresh_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/refresh"
)

// TestFilesBelongToTheOwnerOfTheFolder: what a command of root's writes, the gate can read. Others than root own both
// anyway.
func TestFilesBelongToTheOwnerOfTheFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	owner := os.Geteuid()
	if owner == 0 {
		owner = 4711
	}
	if err := os.Chown(folder, owner, -1); err != nil {
		t.Fatal(err)
	}
	store, err := refresh.Open(refresh.StoreOptions{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	for range 600 { // until the file is written anew
		if err := store.Revoke(refresh.Revocation{Directory: source, ID: "id-1"}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		var stat syscall.Stat_t
		if err := syscall.Stat(filepath.Join(folder, f.Name()), &stat); err != nil || int(stat.Uid) != owner {
			t.Errorf("%s belongs to user %d, %v, want %d", f.Name(), stat.Uid, err, owner)
		}
	}
}
