//go:build unix && !aix && !illumos && !solaris

package token

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ownerOf gives the user to whom a file belongs, if the file system tells.
func ownerOf(info fs.FileInfo) (owner int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
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
