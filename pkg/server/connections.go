package server

import (
	"errors"
	"net"
	"sync"
)

// connections bounds how many connections are open at once, so that a flood of them takes neither all files of
// the process nor its memory: the directory needs some of them, too. Further ones wait to be accepted.
type connections struct {
	net.Listener

	slots chan struct{}
	ended chan struct{}
	once  sync.Once
}

// boundConnections wraps a listener.
func boundConnections(l net.Listener, limit int) *connections {
	return &connections{Listener: l, slots: make(chan struct{}, limit), ended: make(chan struct{})}
}

// Accept waits for a place, then for a connection.
func (c *connections) Accept() (net.Conn, error) {
	select {
	case c.slots <- struct{}{}:
	case <-c.ended:
		return nil, net.ErrClosed
	}
	conn, err := c.Listener.Accept()
	if err != nil {
		<-c.slots
		return nil, err
	}
	return &boundConn{Conn: conn, release: sync.OnceFunc(func() { <-c.slots })}, nil
}

// Close ends Accept, also where it waits for a place.
func (c *connections) Close() error {
	c.once.Do(func() { close(c.ended) })
	return c.Listener.Close()
}

// boundConn gives its place back when it is closed.
type boundConn struct {
	net.Conn

	release func()
}

// Close closes the connection.
func (c *boundConn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}

// CloseWrite tells the client that nothing more comes, where the connection can; net/http does that before it
// closes one whose request it did not read to its end.
func (c *boundConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}
