package server

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// Live answers each request with the Server in force when it came in. Another Server takes over without a
// connection being closed or a request being lost: an [http.Server] that is shut down drops requests that it
// has read and not begun. It is safe for concurrent use. Make one with [NewLive].
type Live struct {
	mu      sync.RWMutex
	current *turn
}

// turn is the time in which one Server is in force.
type turn struct {
	server *Server
	active sync.WaitGroup
}

var _ http.Handler = (*Live)(nil)

// NewLive puts the first Server in force.
func NewLive(s *Server) *Live { return &Live{current: &turn{server: s}} }

// Swap puts another Server in force. The channel is closed when the one before has answered its last request.
func (l *Live) Swap(next *Server) (drained <-chan struct{}) {
	l.mu.Lock()
	before := l.current
	l.current = &turn{server: next}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		before.active.Wait()
	}()
	return done
}

// ServeHTTP answers one request.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := l.begin()
	defer t.active.Done()
	t.server.ServeHTTP(w, r)
}

// begin takes part in the turn of the Server in force.
func (l *Live) begin() *turn {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.current.active.Add(1) // under the lock, so that Swap waits for it
	return l.current
}

// load gives the Server in force.
func (l *Live) load() *Server {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.current.server
}

// listener gives each connection the TLS of the Server that is in force when it is accepted.
type listener struct {
	net.Listener

	live *Live
}

// Accept waits for a connection; its handshake is not waited for.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if c := l.live.load().tls; c != nil {
		return tls.Server(conn, c), nil
	}
	return conn, nil
}
