package ldap

import (
	"context"
	"sync"
	"time"
)

// maxInFlight is how many searches share one connection; more of them slow each other down.
const maxInFlight = 8

// searchPool holds the connections to one server that searches share, bound as the service account. No user
// ever binds on them.
type searchPool struct {
	server *server
	tokens chan struct{} // one for each search that may be in flight

	mu     sync.Mutex
	closed *serverError // why nothing begins any more, or nil
	open   int
	slots  []searchSlot
	all    map[*connection]struct{}
}

// searchSlot is the place of one connection.
type searchSlot struct {
	conn    *connection // nil when there is none
	opening *opening    // nil when none is being opened
}

// opening is a connection that is being opened for everybody who waits.
type opening struct {
	done  chan struct{}
	fault *serverError // set before done is closed
}

// get takes a place on a connection. The caller gives it back with put.
func (p *searchPool) get(ctx context.Context) (*connection, *serverError) {
	start := time.Now()
	select {
	case p.tokens <- struct{}{}:
	case <-ctx.Done():
		return nil, &serverError{class: classFull, step: "wait for a search connection", text: "none became free in time", err: ctx.Err()}
	}
	for {
		c, o, f := p.choose(ctx)
		if f == nil && c == nil {
			f = p.await(ctx, o)
		}
		if f != nil {
			<-p.tokens
			return nil, f
		}
		if c != nil {
			p.server.observer().wait(p.server.url, "search", time.Since(start))
			return c, nil
		}
	}
}

// await waits for a connection that is being opened.
func (p *searchPool) await(ctx context.Context, o *opening) *serverError {
	start := time.Now()
	select {
	case <-o.done:
		return o.fault
	case <-ctx.Done():
		waited := time.Since(start)
		return &serverError{
			class: classTimeout, step: "connect", text: "no connection within " + waited.Round(time.Millisecond).String(),
			err: ctx.Err(), brief: waited < fairTime,
		}
	}
}

// choose takes the connection with the fewest searches, and has another one opened where that helps. It
// returns a connection, or one to wait for, or a fault.
func (p *searchPool) choose(ctx context.Context) (*connection, *opening, *serverError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return nil, nil, p.closed
	}
	var best *connection
	var free *searchSlot
	var pending *opening
	now := p.server.now()
	for i := range p.slots {
		s := &p.slots[i]
		if s.conn != nil && !s.conn.usable(now) {
			p.retireLocked(s.conn)
		}
		switch {
		case s.conn != nil && (best == nil || s.conn.inFlight < best.inFlight):
			best = s.conn
		case s.conn == nil && s.opening != nil:
			pending = s.opening
		case s.conn == nil && free == nil:
			free = s
		}
	}
	if (best == nil || best.inFlight > 0) && free != nil && pending == nil {
		if pending = p.openLocked(ctx, free); pending == nil {
			return nil, nil, errEnded()
		}
	}
	if best == nil || best.inFlight >= maxInFlight && pending != nil {
		return nil, pending, nil
	}
	best.inFlight++
	best.used = true
	return best, nil, nil
}

// openLocked has a connection opened for a slot, on its own time: it serves everybody.
func (p *searchPool) openLocked(ctx context.Context, s *searchSlot) *opening {
	o := &opening{done: make(chan struct{})}
	t := p.server.timeouts()
	ok := p.server.backend.tasks.start(ctx, t.Dial+t.Operation, func(ctx context.Context) {
		c, f := p.server.serviceConnect(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		defer close(o.done)
		s.opening = nil
		switch {
		case f != nil:
			o.fault = f
		case p.closed != nil:
			c.abort()
			o.fault = p.closed
		default:
			s.conn = c
			p.all[c] = struct{}{}
			p.countLocked(1)
		}
	})
	if !ok {
		return nil
	}
	s.opening = o
	return o
}

// put gives a place back. A retired connection closes with its last search.
func (p *searchPool) put(c *connection) {
	p.mu.Lock()
	c.inFlight--
	c.idle = p.server.now()
	switch {
	case !c.retired:
		c.proven.Store(true)
	case c.inFlight == 0:
		p.forgetLocked(c)
	}
	p.mu.Unlock()
	<-p.tokens
}

// retire takes a connection out of use; its searches go on until they end.
func (p *searchPool) retire(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retireLocked(c)
}

// retireIdle takes the connections out of use that nothing runs on.
func (p *searchPool) retireIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		if c.inFlight == 0 {
			p.retireLocked(c)
		}
	}
}

// retireLocked empties the slot of a connection, and closes the connection if nothing runs on it.
func (p *searchPool) retireLocked(c *connection) {
	for i := range p.slots {
		if p.slots[i].conn == c {
			p.slots[i].conn = nil
		}
	}
	c.retired = true
	if c.inFlight == 0 {
		p.forgetLocked(c)
	}
}

// forgetLocked closes a connection.
func (p *searchPool) forgetLocked(c *connection) {
	if _, ok := p.all[c]; !ok {
		return
	}
	c.abort()
	delete(p.all, c)
	p.countLocked(-1)
}

// countLocked tells the observer.
func (p *searchPool) countLocked(change int) {
	p.open += change
	p.server.observer().connections(p.server.url, "search", p.open)
}

// drain closes every connection at once: the server is out of service, or this is the end.
func (p *searchPool) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.slots {
		p.slots[i].conn = nil
	}
	for c := range p.all {
		c.retired = true
		p.forgetLocked(c)
	}
}

// dismiss refuses from now on with a fault. Searches that are under way end first.
func (p *searchPool) dismiss(f *serverError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = f
	for c := range p.all {
		p.retireLocked(c)
	}
}

// close drops everything and refuses from now on with a fault.
func (p *searchPool) close(f *serverError) {
	p.dismiss(f)
	p.drain()
}

// quiet gives the connections that nothing was asked on for a while and nothing runs on.
func (p *searchPool) quiet(d time.Duration) int {
	now := p.server.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, s := range p.slots {
		if s.conn != nil && s.conn.inFlight == 0 && now.Sub(s.conn.idle) >= d {
			n++
		}
	}
	return n
}

// empty reports whether there is no connection.
func (p *searchPool) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open == 0
}
