package gate

import (
	"net"
	"sync"
)

// socket accepts connections for whichever cores serve: each takes from a listener of its own, so that one core
// can follow another without a moment in which nobody accepts.
type socket struct {
	listener net.Listener
	accepted chan accepted
	closing  chan struct{}
	once     sync.Once
	done     chan struct{}
}

// accepted is what came of one Accept.
type accepted struct {
	conn net.Conn
	err  error
}

// newSocket starts to accept from a listener.
func newSocket(l net.Listener) *socket {
	s := &socket{listener: l, accepted: make(chan accepted), closing: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// run hands over one connection at a time, until the socket is closed. Errors such as a want of file
// descriptors go to whoever serves, which waits a little before it accepts again.
func (s *socket) run() {
	defer close(s.done)
	for {
		conn, err := s.listener.Accept()
		select {
		case s.accepted <- accepted{conn, err}:
		case <-s.closing:
			if conn != nil {
				_ = conn.Close() // nobody serves it any more
			}
			return
		}
	}
}

// close ends the socket.
func (s *socket) close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		err = s.listener.Close()
		<-s.done
	})
	return err
}

// share gives a listener that takes its part of the connections.
func (s *socket) share() *share {
	return &share{socket: s, retired: make(chan struct{}), closed: make(chan struct{})}
}

// share is the listener of one core.
type share struct {
	socket      *socket
	retired     chan struct{}
	closed      chan struct{}
	retireOnce  sync.Once
	closingOnce sync.Once
}

var _ net.Listener = (*share)(nil)

// retire lets this listener wait until it is closed without taking connections: those are the next core's.
func (l *share) retire() { l.retireOnce.Do(func() { close(l.retired) }) }

// Accept waits for a connection.
func (l *share) Accept() (net.Conn, error) {
	select {
	case <-l.retired:
	default:
		select {
		case a := <-l.socket.accepted:
			return a.conn, a.err
		case <-l.retired:
		case <-l.closed:
		}
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close ends Accept; the socket stays open.
func (l *share) Close() error {
	l.closingOnce.Do(func() { close(l.closed) })
	return nil
}

// Addr is the address of the socket.
func (l *share) Addr() net.Addr { return l.socket.listener.Addr() }
