package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	// ownerOnly is the mode of the socket.
	ownerOnly fs.FileMode = 0o600
	// maxConnections bounds how many are open at once; more wait.
	maxConnections = 16
	// look bounds how long another process may take to show that it is there.
	look = 2 * time.Second
	// maxPath is how long the path of a socket may be (struct sockaddr_un).
	maxPath = 104
)

var (
	// ErrInUse means that another process answers at the socket.
	ErrInUse = errors.New("another process answers there")
	// ErrNotASocket means that something else stands where the socket belongs.
	ErrNotASocket = errors.New("it is not a socket")
	// ErrPathTooLong means that the state folder is too deep for a socket.
	ErrPathTooLong = errors.New("its path is longer than " + strconv.Itoa(maxPath) + " bytes")
)

// listener is an open socket that only the gate's own user and root are let in at.
type listener struct {
	*net.UnixListener

	path  string
	is    fs.FileInfo // what was made, so that nobody else's is removed
	slots chan struct{}
}

var _ net.Listener = (*listener)(nil)

// listen opens the socket. It is made under another name and only then put into its place, so that nobody ever sees it
// with another mode, or not answering.
func listen(ctx context.Context, path string) (*listener, error) {
	fresh := path + "." + strconv.Itoa(os.Getpid())
	if len(fresh) > maxPath {
		return nil, fmt.Errorf("%s: %w", path, ErrPathTooLong)
	}
	if err := vacant(ctx, path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	is, err := settle(fresh, path)
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(fresh))
	}
	return &listener{UnixListener: l, path: path, is: is, slots: make(chan struct{}, maxConnections)}, nil
}

// settle puts a socket into its place.
func settle(fresh, path string) (fs.FileInfo, error) {
	if err := os.Chmod(fresh, ownerOnly); err != nil {
		return nil, err
	}
	is, err := os.Lstat(fresh)
	if err != nil {
		return nil, err
	}
	return is, os.Rename(fresh, path)
}

// vacant is an error unless nobody answers at the path.
func vacant(ctx context.Context, path string) error {
	is, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case is.Mode().Type() != fs.ModeSocket:
		return ErrNotASocket
	}
	ctx, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(ErrInUse, c.Close())
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(ErrInUse, err) // it may hang, and then it lives
}

// Accept waits for a connection of somebody who is let in.
func (l *listener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			<-l.slots
			return nil, err
		}
		if mayAsk(c) {
			return &connection{UnixConn: c, leave: l.slots}, nil
		}
		_ = c.Close()
	}
}

// remove takes the socket away unless it has been replaced.
func (l *listener) remove() {
	if is, err := os.Lstat(l.path); err == nil && os.SameFile(is, l.is) {
		_ = os.Remove(l.path)
	}
}

// connection is one of a bounded number.
type connection struct {
	*net.UnixConn

	leave chan struct{}
}

// Close makes room for another one, once.
func (c *connection) Close() error {
	err := c.UnixConn.Close()
	if !errors.Is(err, net.ErrClosed) {
		<-c.leave
	}
	return err
}

// allowed reports whether a user may ask: the gate's own and root.
func allowed(uid int) bool { return uid == os.Geteuid() || uid == 0 }
