package ldap

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// fleet is the servers of a Backend, best first. The list is replaced as a whole where it is discovered.
type fleet struct {
	list    atomic.Pointer[[]*server]
	current atomic.Pointer[server] // the last good one; nil means the first

	mu      sync.Mutex // of changes
	running func(*server)
	ended   bool
}

// servers gives the list, which nobody changes.
func (f *fleet) servers() []*server {
	if list := f.list.Load(); list != nil {
		return *list
	}
	return nil
}

// start has every server looked after, those that come later too.
func (f *fleet) start(lookAfter func(*server)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = lookAfter
	for _, s := range f.servers() {
		lookAfter(s)
	}
}

// stop refuses changes from now on.
func (f *fleet) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
}

// replace makes next the list, and gives those who are no longer on it. Servers that stay keep what is known of
// them, because they stay the same values; the one in use stays in use.
func (f *fleet) replace(next []*server) (gone []*server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil
	}
	before := f.servers()
	f.list.Store(&next)
	for _, s := range before {
		if !slices.Contains(next, s) {
			f.current.CompareAndSwap(s, nil)
			gone = append(gone, s)
		}
	}
	for _, s := range next {
		if f.running != nil && !slices.Contains(before, s) {
			f.running(s)
		}
	}
	return gone
}

// named gives the server with a URL, or nil.
func (f *fleet) named(url string) *server {
	for _, s := range f.servers() {
		if s.url == url {
			return s
		}
	}
	return nil
}

// first gives the server that is asked first, or nil where none is in service.
func (f *fleet) first() *server {
	t := f.tour()
	return t.next(nil)
}

// maxServers is how many servers a tour can remember.
const maxServers = 64

// tour is one question's way from server to server.
type tour struct {
	fleet   *fleet
	servers []*server
	tried   uint64
}

// tour begins a way over the servers as they are now.
func (f *fleet) tour() tour { return tour{fleet: f, servers: f.servers()} }

// open reports whether a server may be asked: it is on the list, in service, and was not tried.
func (t *tour) open(s *server) bool {
	if s == nil || s.breaker.isOpen() {
		return false
	}
	i := slices.Index(t.servers, s)
	return i >= 0 && t.tried&(1<<i) == 0
}

// next gives the server to ask: the preferred one, the last good one, then the order of the list. Those out of
// service and those tried are passed over; none left is nil.
func (t *tour) next(prefer *server) *server {
	if t.open(prefer) {
		return prefer
	}
	if s := t.fleet.current.Load(); t.open(s) {
		return s
	}
	for _, s := range t.servers {
		if t.open(s) {
			return s
		}
	}
	return nil
}

// try marks a server as tried.
func (t *tour) try(s *server) {
	if i := slices.Index(t.servers, s); i >= 0 {
		t.tried |= 1 << i
	}
}

// stick makes a server that answered the one to ask first, unless the one in use may still be asked: a question
// that was under way must not undo a return to a better server.
func (t *tour) stick(s *server) {
	current := t.fleet.current.Load()
	if current == s || t.open(current) || current == nil && len(t.servers) > 0 && (t.servers[0] == s || t.open(t.servers[0])) {
		return
	}
	t.fleet.current.CompareAndSwap(current, s)
}

// want has every server looked for at once, because somebody asked and none is in service.
func (f *fleet) want() {
	for _, s := range f.servers() {
		select {
		case s.breaker.wanted <- struct{}{}:
		default:
		}
	}
}

// better gives the servers in service that are of a better rank than the one in use, best first.
func (f *fleet) better() []*server {
	current, servers := f.current.Load(), f.servers()
	if current == nil || len(servers) == 0 {
		return nil
	}
	var better []*server
	for _, s := range servers {
		if s.rank.Load() < current.rank.Load() && !s.breaker.isOpen() {
			better = append(better, s)
		}
	}
	return better
}

// returnToBetter goes back to a server of a better rank than the one in use, once it serves. Servers of one rank
// are as good as each other: then it stays.
func (b *Backend) returnToBetter(ctx context.Context) {
	for _, s := range b.fleet.better() {
		ctx, cancel := context.WithTimeout(ctx, b.options.Timeouts.Dial+b.options.Timeouts.Operation)
		f := s.serves(ctx)
		cancel()
		if f == nil {
			b.fleet.current.Store(s)
			b.log.InfoContext(ctx, "directory server is preferred again", "server", s.url)
			return
		}
	}
}
