package ldap

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// connection is one open connection, owned by one pool.
type connection struct {
	conn     *goldap.Conn
	wire     *wire
	controls []goldap.Control // of each bind
	expires  time.Time
	idle     time.Time   // since when it is unused
	used     bool        // something was asked on it
	inFlight int         // searches on it; guarded by the search pool
	retired  bool        // takes no new searches; guarded by the search pool
	proven   atomic.Bool // it worked before: that it dies now says nothing about the server
	blamed   atomic.Bool // its death was counted
}

// newConnection starts the protocol on an open stream.
func newConnection(w *wire, expires, now time.Time) *connection {
	c := &connection{
		conn: goldap.NewConn(w, w.Conn != w.raw), wire: w, idle: now,
		controls: []goldap.Control{newPolicyRequest()},
		expires:  expires,
	}
	c.conn.Start()
	return c
}

// usable reports whether the connection is open, as far as its reader knows, and young enough.
func (c *connection) usable(now time.Time) bool {
	return !c.conn.IsClosing() && now.Before(c.expires)
}

// abort closes the connection at once. The socket goes first, so that nothing can wait for the peer.
func (c *connection) abort() {
	_ = c.wire.Close()
	_ = c.conn.Close()
}

// bind makes one simple bind, on a connection that nobody else uses. Sent says whether a byte of it may
// have left. After any fault but an answer the connection is closed.
func (c *connection) bind(dn string, secret identity.Secret, limit time.Duration) (controls []goldap.Control, sent bool, f *serverError) {
	start, before := time.Now(), c.wire.written.Load()
	// A deadline for reading is cheaper than the library's timer a message, and it closes the connection.
	if err := c.wire.SetReadDeadline(start.Add(limit)); err != nil {
		return nil, false, &serverError{step: "bind", err: err}
	}
	c.used = true
	result, err := c.simpleBind(&goldap.SimpleBindRequest{Username: dn, Password: secret.Reveal(), Controls: c.controls})
	sent = c.wire.written.Load() != before
	if result != nil {
		controls = result.Controls
	}
	if err != nil {
		f = answerFault("bind", err, time.Since(start), limit)
		if !f.answered() {
			c.abort()
			return nil, sent, f
		}
	}
	if err := c.wire.SetReadDeadline(time.Time{}); err != nil {
		c.abort()
	}
	return controls, sent, f
}

// simpleBind calls the library and turns a panic of it into an error.
func (c *connection) simpleBind(r *goldap.SimpleBindRequest) (result *goldap.SimpleBindResult, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, panicked(p)
		}
	}()
	return c.conn.SimpleBind(r)
}

// search makes one search, on a connection that others may search at the same time. After any fault but an
// answer the connection is closed.
func (c *connection) search(r *goldap.SearchRequest, limit time.Duration) (*goldap.SearchResult, *serverError) {
	start := time.Now()
	result, err := c.librarySearch(r)
	if err == nil {
		return result, nil
	}
	f := answerFault(stepSearch, err, time.Since(start), limit)
	if !f.answered() {
		c.abort()
	}
	return nil, f
}

// librarySearch calls the library and turns a panic of it into an error.
func (c *connection) librarySearch(r *goldap.SearchRequest) (result *goldap.SearchResult, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, panicked(p)
		}
	}()
	return c.conn.Search(r)
}

// errPanicked means that the LDAP library panicked.
var errPanicked = errors.New("the LDAP library panicked")

// panicked names the kind of a panic; its text may hold what was sent.
func panicked(p any) error { return fmt.Errorf("%w (%T)", errPanicked, p) }
