//go:build !unix || aix || illumos || solaris

package refresh

import "errors"

// lockFile fails: without it a revocation could be lost.
func lockFile(string) (unlock func(), err error) { return nil, errors.ErrUnsupported }
