package ldap

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// bindPool holds the connections to one server that users bind on. Each is used by one bind at a time, and
// by nothing else. Who waits is served in the order of arrival.
type bindPool struct {
	server     *server
	max, queue int

	mu      sync.Mutex
	closed  *serverError             // why nothing begins any more, or nil
	open    int                      // connections, those being opened included
	idle    []*connection            // the last one is the one used last
	all     map[*connection]struct{} // so that closing reaches those in use
	waiting list.List                // of chan grant
}

// grant is what a waiter gets: a connection, or the right to open one, or a fault.
type grant struct {
	conn  *connection
	fault *serverError
}

// get takes a connection, opens one, or waits for one. The caller gives it back with put.
func (p *bindPool) get(ctx context.Context) (*connection, *serverError) {
	start := time.Now()
	c, f := p.take(ctx)
	if f == nil {
		p.server.observer().wait(p.server.url, "bind", time.Since(start))
	}
	return c, f
}

// getIdle takes a connection that is open and idle, or nil. Idle ones and waiters never meet, so nobody who
// waits is passed over.
func (p *bindPool) getIdle() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return nil
	}
	c := p.popLocked()
	if c != nil {
		p.server.observer().wait(p.server.url, "bind", 0)
	}
	return c
}

// take is get without the observer.
func (p *bindPool) take(ctx context.Context) (*connection, *serverError) {
	p.mu.Lock()
	if f := p.closed; f != nil {
		p.mu.Unlock()
		return nil, f
	}
	if c := p.popLocked(); c != nil {
		p.mu.Unlock()
		return c, nil
	}
	if p.open < p.max {
		p.open++
		p.mu.Unlock()
		return p.dial(ctx)
	}
	if p.waiting.Len() >= p.queue {
		p.mu.Unlock()
		return nil, &serverError{class: classFull, step: "wait for a bind connection", text: "the queue is full"}
	}
	ready := make(chan grant, 1)
	place := p.waiting.PushBack(ready)
	p.mu.Unlock()
	return p.await(ctx, place, ready)
}

// popLocked takes the connection used last, and drops those that died or grew too old while idle.
func (p *bindPool) popLocked() *connection {
	now := p.server.now()
	for len(p.idle) > 0 {
		last := len(p.idle) - 1
		c := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		if c.usable(now) {
			return c
		}
		p.forgetLocked(c)
	}
	return nil
}

// forgetLocked closes a connection and frees its place.
func (p *bindPool) forgetLocked(c *connection) {
	c.abort()
	delete(p.all, c)
	p.open--
	p.server.observer().connections(p.server.url, "bind", p.open)
}

// await waits for what others give back.
func (p *bindPool) await(ctx context.Context, place *list.Element, ready chan grant) (*connection, *serverError) {
	select {
	case g := <-ready:
		return p.accept(ctx, g)
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.waiting.Remove(place)
	p.mu.Unlock()
	select {
	case g := <-ready: // granted at the same moment: pass it on
		p.pass(g)
	default:
	}
	return nil, &serverError{class: classFull, step: "wait for a bind connection", text: "none became free in time", err: ctx.Err()}
}

// accept uses a grant.
func (p *bindPool) accept(ctx context.Context, g grant) (*connection, *serverError) {
	switch {
	case g.fault != nil:
		return nil, g.fault
	case g.conn == nil:
		return p.dial(ctx)
	case !g.conn.usable(p.server.now()):
		p.mu.Lock()
		p.forgetLocked(g.conn)
		p.open++
		p.mu.Unlock()
		return p.dial(ctx)
	}
	return g.conn, nil
}

// pass gives an unused grant to the next one.
func (p *bindPool) pass(g grant) {
	switch {
	case g.fault != nil:
	case g.conn != nil:
		p.put(g.conn)
	default:
		p.mu.Lock()
		p.open--
		p.grantLocked()
		p.mu.Unlock()
	}
}

// dial opens a connection in a place that is already counted.
func (p *bindPool) dial(ctx context.Context) (*connection, *serverError) {
	c, f := p.server.connect(ctx, newBindConnection)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case f != nil:
		p.open--
		p.grantLocked()
		return nil, f
	case p.closed != nil:
		p.open--
		c.abort()
		return nil, p.closed
	}
	p.all[c] = struct{}{}
	p.server.observer().connections(p.server.url, "bind", p.open)
	return c, nil
}

// drop closes a connection that was taken and frees its place.
func (p *bindPool) drop(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetLocked(c)
	p.grantLocked()
}

// whereabouts says what became of a connection that was given back.
type whereabouts bool

const (
	atRest     whereabouts = false
	handedOver whereabouts = true // to somebody who waited
)

// put gives a connection back. One that died or grew too old is closed.
func (p *bindPool) put(c *connection) whereabouts {
	now := p.server.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil || !c.usable(now) {
		p.forgetLocked(c)
		p.grantLocked()
		return atRest
	}
	c.proven.Store(true)
	if first := p.waiting.Front(); first != nil {
		p.sendLocked(first, grant{conn: c})
		return handedOver
	}
	c.idle = now
	p.idle = append(p.idle, c)
	return atRest
}

// grantLocked lets the first waiter open a connection, if there is a place.
func (p *bindPool) grantLocked() {
	if first := p.waiting.Front(); first != nil && p.open < p.max {
		p.open++
		p.sendLocked(first, grant{})
	}
}

// sendLocked hands a grant to a waiter, who leaves the queue.
func (p *bindPool) sendLocked(place *list.Element, g grant) {
	if ready, ok := p.waiting.Remove(place).(chan grant); ok {
		ready <- g
	}
}
