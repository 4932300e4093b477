//go:build !unix || aix || illumos || solaris

package token

import (
	"errors"
	"fmt"
	"io/fs"
)

// foreignOwner leaves owners to the system.
func foreignOwner(fs.FileInfo) (owner int, foreign bool) { return 0, false }

// lockFolder fails: without it a change of keys could be lost.
func lockFolder(string) (unlock func(), err error) {
	return nil, fmt.Errorf("lock keys: %w", errors.ErrUnsupported)
}
