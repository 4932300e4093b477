//go:build !unix || aix || illumos || solaris

package token

import (
	"errors"
	"fmt"
	"io/fs"
)

// ownerOf leaves owners to the system.
func ownerOf(fs.FileInfo) (owner int, ok bool) { return 0, false }

// lockFolder fails: without it a change of keys could be lost.
func lockFolder(string) (unlock func(), err error) {
	return nil, fmt.Errorf("lock keys: %w", errors.ErrUnsupported)
}
