package control

import (
	"net"
	"syscall"
)

// mayAsk reports whether the process at the other end belongs to somebody who may ask. The mode of the socket keeps all
// others out already; this holds where a file system ignores it.
func mayAsk(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	return err == nil && failed == nil && allowed(int(peer.Uid))
}
