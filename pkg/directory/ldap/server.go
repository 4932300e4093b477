package ldap

import (
	"context"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// server is one server of the list: how to reach it, its two pools, and whether it is in service.
type server struct {
	dialer

	backend  *Backend
	rank     atomic.Int32  // the lower the better
	gone     chan struct{} // closed when the server is no longer on the list
	binds    *bindPool
	searches *searchPool
	service  serviceAccount
	breaker  breaker
	met      atomic.Bool // its own entry has been read
	ban      ban
	chains   atomic.Bool   // it has the matching rule for chains
	guids    guidBinds     // whether it takes a GUID as the name of a bind
	paging   chan struct{} // one for each dedicated connection of paged searches
}

// newServer makes a server that is not connected yet.
func newServer(b *Backend, rank int, e endpoint) *server {
	const pagedAtOnce = 2
	o := &b.options
	s := &server{
		dialer: newDialer(e, o), backend: b, gone: make(chan struct{}),
		service: serviceAccount{turn: make(chan struct{}, 1)},
		breaker: breaker{opened: make(chan struct{}, 1), wanted: make(chan struct{}, 1)},
		paging:  make(chan struct{}, pagedAtOnce),
	}
	s.rank.Store(int32(rank))
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

// connect opens a connection on which nobody is bound; start begins to speak on it.
func (s *server) connect(ctx context.Context, start func(w *wire, expires, now time.Time) *connection) (*connection, *serverError) {
	w, f := s.dial(ctx)
	if f != nil {
		s.report(nil, f)
		return nil, f
	}
	const jitter = 0.1
	now := s.now()
	return start(w, now.Add(s.backend.spread(s.timeouts().Age, jitter)), now), nil
}

// search makes one search on a shared connection. Where connections turn out to be dead it tries others, the
// last of them a new one; a time-out is not tried again here.
func (s *server) search(ctx context.Context, r *goldap.SearchRequest) (result *goldap.SearchResult, f *serverError) {
	for range len(s.searches.slots) + 1 {
		result, f = s.searchOnce(ctx, r)
		if f == nil || f.class != classNetwork || f.step != stepSearch || s.breaker.isOpen() || ctx.Err() != nil {
			break
		}
	}
	return result, f
}

// stepSearch is the step of a search on an open connection.
const stepSearch = "search"

// searchOnce searches on one connection. The caller may leave before the answer comes; the search then ends
// by its own time-out, on a connection that takes no others.
func (s *server) searchOnce(ctx context.Context, r *goldap.SearchRequest) (*goldap.SearchResult, *serverError) {
	if f := s.banned(); f != nil {
		return nil, f
	}
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
		f = s.lostBind(f)
		s.observer().operation(s.url, "search", f, time.Since(start))
		s.report(c, f)
		if !f.answered() {
			s.searches.retire(c)
		}
		s.searches.put(c)
		done <- answer{result, s.heed(ctx, f)}
	})
	if !ok {
		s.searches.put(c)
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
		f = &serverError{class: classTimeout, step: stepSearch, text: "no answer within " + took.Round(time.Millisecond).String(), err: ctx.Err(), brief: took < fairTime}
		s.report(nil, f)
		return nil, f
	}
	return nil, &serverError{class: classCaller, step: stepSearch, err: ctx.Err()}
}

// report tells the breaker how an operation went. That a connection dies which worked before does not count,
// as servers close connections and start anew: whether one can be opened tells more. A new one that dies
// counts once, however many searches it took with it.
func (s *server) report(c *connection, f *serverError) {
	switch {
	case f.answered():
		s.breaker.good()
	case !f.lost() || f.brief:
	case c != nil && f.class == classNetwork && (c.proven.Load() || c.blamed.Swap(true)):
	case s.breaker.bad(f.refused):
		s.leave(f)
	case f.class == classTimeout:
		s.doubtIdle()
	}
}

// doubtIdle drops what is idle after a time-out: a firewall that forgot one connection has forgotten its neighbors, and
// the next login must not wait for each of them.
func (s *server) doubtIdle() {
	s.binds.dropIdle()
	s.searches.retireIdle()
}

// leave takes the server out of service. Its connections are suspect and go.
func (s *server) leave(f *serverError) {
	out := s.outOfService()
	s.binds.drain(out)
	s.searches.drain()
	s.observer().breaker(s.url, true)
	s.backend.log.Warn("directory server taken out of service", "server", s.url, "fault", f.Error())
}

// dismiss ends the use of a server that is no longer on the list: nothing new begins there, what is under way is
// answered.
func (s *server) dismiss() {
	f := &serverError{class: classNetwork, step: "ask " + s.url, text: "no longer one of the directory's servers", brief: true}
	close(s.gone)
	s.binds.retire(f)
	s.searches.dismiss(f)
}

// outOfService is the fault of asking a server that is known to be away.
func (s *server) outOfService() *serverError {
	return &serverError{class: classNetwork, step: "ask " + s.url, text: "out of service after failures in a row", brief: true}
}

// errEnded is the fault of asking a Backend whose Run has returned.
func errEnded() *serverError {
	return &serverError{class: classCaller, step: "ask the directory", text: "shutting down"}
}
