package ldap

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// server is one server of the list: how to reach it, its two pools, and whether it is in service.
type server struct {
	dialer

	backend  *Backend
	index    int
	binds    *bindPool
	searches *searchPool
	service  serviceAccount
	breaker  breaker
	paging   chan struct{} // one for each dedicated connection of paged searches
}

// newServer makes a server that is not connected yet.
func newServer(b *Backend, index int, e endpoint) *server {
	const pagedAtOnce = 2
	o := &b.options
	s := &server{
		dialer: newDialer(e, o), backend: b, index: index,
		service: serviceAccount{turn: make(chan struct{}, 1)},
		breaker: breaker{opened: make(chan struct{}, 1)},
		paging:  make(chan struct{}, pagedAtOnce),
	}
	s.binds = &bindPool{server: s, max: o.BindConnections.Max, queue: o.Queue, all: map[*connection]struct{}{}}
	s.searches = &searchPool{
		server: s, tokens: make(chan struct{}, o.SearchConnections*maxInFlight),
		slots: make([]searchSlot, o.SearchConnections), all: map[*connection]struct{}{},
	}
	return s
}

func (s *server) observer() *Observer { return &s.backend.options.Observer }

func (s *server) timeouts() *Timeouts { return &s.backend.options.Timeouts }

func (s *server) now() time.Time { return s.backend.options.Now() }

// connect opens a connection on which nobody is bound.
func (s *server) connect(ctx context.Context) (*connection, *serverError) {
	w, f := s.dial(ctx)
	if f != nil {
		s.report(nil, f)
		return nil, f
	}
	return newConnection(w, s.now(), s.timeouts().Age), nil
}

// search makes one search on a shared connection. A connection that turns out to be dead costs one more
// try on another one; a time-out does not.
func (s *server) search(ctx context.Context, r *goldap.SearchRequest) (*goldap.SearchResult, *serverError) {
	result, f := s.searchOnce(ctx, r)
	if f != nil && f.class == classNetwork && f.step == "search" && !s.breaker.isOpen() && ctx.Err() == nil {
		return s.searchOnce(ctx, r)
	}
	return result, f
}

// searchOnce searches on one connection. The caller may leave before the answer comes; the search then ends
// by its own time-out, on a connection that takes no others.
func (s *server) searchOnce(ctx context.Context, r *goldap.SearchRequest) (*goldap.SearchResult, *serverError) {
	c, f := s.searches.get(ctx)
	if f != nil {
		return nil, f
	}
	type answer struct {
		result *goldap.SearchResult
		fault  *serverError
	}
	start, limit := time.Now(), s.timeouts().Operation
	done := make(chan answer, 1)
	ok := s.backend.tasks.start(ctx, limit, func(context.Context) {
		result, f := c.search(r, limit)
		s.observer().operation(s.url, "search", f, time.Since(start))
		s.report(c, f)
		s.searches.put(c, f == nil || f.class == classAnswer || f.class == classAway)
		done <- answer{result, f}
	})
	if !ok {
		s.searches.put(c, false)
		return nil, errEnded()
	}
	select {
	case a := <-done:
		return a.result, a.fault
	case <-ctx.Done():
	}
	took := time.Since(start)
	if timedOut(ctx.Err()) {
		s.searches.retire(c)
		f = &serverError{class: classTimeout, step: "search", text: "no answer within " + took.Round(time.Millisecond).String(), err: ctx.Err(), brief: took < fairTime}
		s.report(nil, f)
		return nil, f
	}
	return nil, &serverError{class: classCaller, step: "search", err: ctx.Err()}
}

// report tells the breaker how an operation went. One dead connection counts once, however many searches it
// took with it.
func (s *server) report(c *connection, f *serverError) {
	switch {
	case f == nil || f.class == classAnswer || f.class == classAway:
		s.breaker.good()
	case !f.lost() || f.brief:
	case c != nil && f.class == classNetwork && c.blamed.Swap(true):
	case s.breaker.bad(f.refused):
		s.leave(f)
	}
}

// leave takes the server out of service. Its connections are suspect and go.
func (s *server) leave(f *serverError) {
	out := s.outOfService()
	s.binds.drain(out)
	s.searches.drain()
	s.observer().breaker(s.url, true)
	s.backend.log.Warn("directory server taken out of service", "server", s.url, "fault", f.Error())
}

// outOfService is the fault of asking a server that is known to be away.
func (s *server) outOfService() *serverError {
	return &serverError{class: classNetwork, step: "ask " + s.url, text: "out of service after failures in a row", brief: true}
}

// errEnded is the fault of asking a Backend whose Run has returned.
func errEnded() *serverError {
	return &serverError{class: classCaller, step: "ask the directory", text: "shutting down"}
}

// breaker counts failures in a row. It opens only while somebody probes for recovery.
type breaker struct {
	failures atomic.Int32
	opened   chan struct{} // tells the prober

	mu      sync.Mutex
	open    atomic.Bool
	probed  bool // a prober runs
	refused bool // the last failure was a refused connection
}

// failuresToOpen is how many failures in a row take a server out of service.
const failuresToOpen = 3

func (b *breaker) isOpen() bool { return b.open.Load() }

// good ends a row of failures.
func (b *breaker) good() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
}

// bad counts a failure and reports whether it opened the breaker.
func (b *breaker) bad(refused bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = refused
	if b.failures.Add(1) < failuresToOpen || !b.probed || b.open.Load() {
		return false
	}
	b.open.Store(true)
	select {
	case b.opened <- struct{}{}:
	default:
	}
	return true
}

// close puts the server back into service.
func (b *breaker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures.Store(0)
	b.open.Store(false)
}

// watched says whether a prober runs; without one the breaker closes and stays closed.
func (b *breaker) watched(probed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probed = probed
	if !probed {
		b.open.Store(false)
	}
}

// wasRefused reports whether the last failure was a refused connection.
func (b *breaker) wasRefused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}
