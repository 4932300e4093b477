//go:build unix && !aix && !illumos && !solaris

package token

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// foreignOwner reports whether a file belongs to neither us nor root, and to whom.
func foreignOwner(info fs.FileInfo) (owner int, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	owner = int(stat.Uid)
	return owner, owner != 0 && owner != os.Geteuid()
}

// lockFolder waits until no other process changes keys in a folder.
func lockFolder(folder string) (unlock func(), err error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("lock keys: %w", err)
	}
	for {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock keys: %w", errors.Join(err, dir.Close()))
	}
	return func() { _ = dir.Close() }, nil // which unlocks it
}
