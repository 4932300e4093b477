package ldap

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// connection is one open connection, owned by one pool. It speaks through the library for searches, or by itself
// where users are bound.
type connection struct {
	conn     *goldap.Conn // nil where users are bound
	users    *bindStream  // nil elsewhere
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

// newBindConnection starts the protocol on an open stream, for binds of users only.
func newBindConnection(w *wire, expires, now time.Time) *connection {
	return &connection{users: newBindStream(w, newPolicyRequest().Encode()), wire: w, idle: now, expires: expires}
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
	closed := c.conn == nil && c.users.ended.Load() || c.conn != nil && c.conn.IsClosing()
	return !closed && now.Before(c.expires)
}

// abort closes the connection at once. The socket goes first, so that nothing can wait for the peer.
func (c *connection) abort() {
	if c.users != nil {
		c.users.close()
		return
	}
	_ = c.wire.Close()
	_ = c.conn.Close()
}

// bind makes one simple bind, on a connection that nobody else uses. Sent says whether a byte of it may
// have left. After any fault but an answer the connection is closed.
func (c *connection) bind(dn string, secret identity.Secret, limit time.Duration) (controls []goldap.Control, sent bool, f *serverError) {
	return c.withDeadline(limit, func() ([]goldap.Control, error) { return c.simpleBind(dn, secret) })
}

// bindExternal binds as whom the server takes the client certificate for, in the manner of bind.
func (c *connection) bindExternal(limit time.Duration) *serverError {
	_, _, f := c.withDeadline(limit, func() ([]goldap.Control, error) { return nil, c.libraryExternal() })
	return f
}

// withDeadline makes one bind that must be answered within limit.
func (c *connection) withDeadline(limit time.Duration, bind func() ([]goldap.Control, error)) (controls []goldap.Control, sent bool, f *serverError) {
	start, before := time.Now(), c.wire.written.Load()
	// A deadline for reading is cheaper than the library's timer a message, and it closes the connection.
	if err := c.wire.SetReadDeadline(start.Add(limit)); err != nil {
		return nil, false, c.wire.alertFault(&serverError{class: classNetwork, step: "bind", err: err}) // closed while it waited
	}
	c.used = true
	controls, err := bind()
	sent = c.wire.written.Load() != before
	if err != nil {
		f = answerFault("bind", err, time.Since(start), limit)
		if !f.answered() {
			c.abort()
			return nil, sent, c.wire.alertFault(f)
		}
	}
	if err := c.wire.SetReadDeadline(time.Time{}); err != nil {
		c.abort()
	}
	return controls, sent, f
}

// simpleBind binds by itself, or calls the library and turns a panic of it into an error.
func (c *connection) simpleBind(dn string, secret identity.Secret) (controls []goldap.Control, err error) {
	if c.users != nil {
		return c.users.bind(dn, secret)
	}
	defer func() {
		if p := recover(); p != nil {
			controls, err = nil, panicked(p)
		}
	}()
	result, err := c.conn.SimpleBind(&goldap.SimpleBindRequest{Username: dn, Password: secret.Reveal(), Controls: c.controls})
	if result != nil {
		controls = result.Controls
	}
	return controls, err
}

// libraryExternal calls the library and turns a panic of it into an error.
func (c *connection) libraryExternal() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return c.conn.ExternalBind()
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
	if result != nil {
		f.entries = len(result.Entries)
	}
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
