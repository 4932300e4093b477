package ldap

import (
	"context"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

const (
	tidyEvery        = 15 * time.Second
	quietBeforePing  = 30 * time.Second
	firstProbe       = 500 * time.Millisecond
	lastProbe        = 10 * time.Second
	lastRefusedProbe = 2 * time.Second
)

// Run keeps connections warm, closes old ones, and looks after servers that are out of service, until ctx
// ends. It then closes every connection and waits for everything that it or a call started; the Backend
// is unavailable from then on. It is called at most once and returns nil.
func (b *Backend) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	b.fleet.start(func(s *server) {
		s.breaker.watch()
		wg.Go(func() { s.lookAfter(ctx) })
	})
	wg.Go(func() { b.maintain(ctx) })
	if b.discovery != nil {
		wg.Go(func() { b.discovery.run(ctx) })
	}
	if b.catalog != nil {
		wg.Go(func() { _ = b.catalog.Run(ctx) })
	}
	<-ctx.Done()
	b.fleet.stop()
	wg.Wait()
	b.tasks.end()
	for _, s := range b.fleet.servers() {
		s.binds.close(errEnded())
		s.searches.close(errEnded())
	}
	b.tasks.wait()
	b.lockouts.flight.Wait()
	return nil
}

// maintain warms the server in use up, tidies all of them, and returns to better ones, now and then.
func (b *Backend) maintain(ctx context.Context) {
	for {
		if b.discovered(ctx) == nil {
			b.returnToBetter(ctx)
		}
		if s := b.fleet.first(); s != nil {
			s.warm(ctx)
		}
		if !b.pause(ctx, tidyEvery) {
			return
		}
		for _, s := range b.fleet.servers() {
			s.binds.tidy(b.options.Timeouts.Idle)
		}
	}
}

// warm opens what the next login will need, and looks whether idle search connections still answer: a
// firewall that forgot them says nothing.
func (s *server) warm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.backend.options.Timeouts.Stage)
	defer cancel()
	if s.searches.empty() || s.searches.quiet(quietBeforePing) > 0 {
		if f := s.ping(ctx); f != nil && ctx.Err() == nil {
			s.backend.log.DebugContext(ctx, "directory server does not answer", "server", s.url, "fault", f.Error())
			return
		}
	}
	s.binds.warm(ctx, s.backend.options.BindConnections.Min)
	s.learn(ctx)
}

// learn finds out what the first login would ask for besides: when accounts are locked, and by what name they are bound.
func (s *server) learn(ctx context.Context) {
	s.backend.Lockout(ctx, directory.Entry{})
	if s.bindsByID() && s.guids.known.Load() == guidUnknown {
		s.learnGUIDBind(ctx)
	}
}

// ping reads the rootDSE on a shared connection; the first time it looks what the server is.
func (s *server) ping(ctx context.Context) *serverError {
	if s.met.Load() {
		_, f := s.search(ctx, rootDSE(s.backend.timeLimit(), "1.1"))
		return f
	}
	root, f := s.search(ctx, rootDSE(s.backend.timeLimit(), rootAttributes()...))
	if f == nil && len(root.Entries) == 1 {
		s.meet(ctx, root.Entries[0])
	}
	return f
}

// rootDSE is the search that reads the server's own entry (RFC 4512 section 5.1).
func rootDSE(timeLimit int, attributes ...string) *goldap.SearchRequest {
	return &goldap.SearchRequest{
		Scope: goldap.ScopeBaseObject, DerefAliases: goldap.NeverDerefAliases, SizeLimit: 1,
		TimeLimit: timeLimit, Filter: "(objectClass=*)", Attributes: attributes,
	}
}

// lookAfter waits for the server to be taken out of service, and brings it back, until ctx ends or the server
// is no longer on the list.
func (s *server) lookAfter(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.gone:
			return
		case <-s.breaker.opened:
		}
		s.recover(ctx)
	}
}

// recover probes, less often each time unless somebody has no other server, until the server answers.
func (s *server) recover(ctx context.Context) {
	for wait := firstProbe; ; {
		if !s.awaitProbe(ctx, wait) {
			return
		}
		if f := s.probe(ctx); f == nil {
			s.breaker.close()
			s.observer().breaker(s.url, false)
			s.backend.log.InfoContext(ctx, "directory server is back in service", "server", s.url)
			s.warm(ctx)
			return
		}
		most := lastProbe
		if s.breaker.wasRefused() { // such a probe costs nobody anything
			most = lastRefusedProbe
		}
		wait = min(2*wait, most)
	}
}

// awaitProbe waits until it is time for the next probe, or reports false when there is none.
func (s *server) awaitProbe(ctx context.Context, wait time.Duration) bool {
	const least, jitter = 250 * time.Millisecond, 0.5
	if !s.backend.pauseUnless(ctx, s.gone, least) {
		return false
	}
	t := time.NewTimer(s.backend.spread(wait-least, jitter))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.gone:
		return false
	case <-s.breaker.wanted:
		return true
	case <-t.C:
		return true
	}
}

// probe looks whether the server is back as far as the network goes: one that refuses the service account is.
func (s *server) probe(ctx context.Context) *serverError {
	f := s.serves(ctx)
	if f != nil && (f.class == classConfig || f.class == classAnswer) {
		return nil
	}
	return f
}

// serves opens a connection of its own, binds as the service account and reads the rootDSE.
func (s *server) serves(ctx context.Context) *serverError {
	c, f := s.serviceConnect(ctx)
	if f != nil {
		return f
	}
	defer c.abort()
	stop := context.AfterFunc(ctx, c.abort)
	defer stop()
	_, f = c.search(rootDSE(s.backend.timeLimit(), "1.1"), s.timeouts().Operation)
	return f
}

// pause waits for d and up to half of it more, or reports false when ctx ends first.
func (b *Backend) pause(ctx context.Context, d time.Duration) bool { return b.pauseUnless(ctx, nil, d) }

// pauseUnless is pause that reports false when a channel is closed first, too.
func (b *Backend) pauseUnless(ctx context.Context, closed <-chan struct{}, d time.Duration) bool {
	const jitter = 0.5
	t := time.NewTimer(b.spread(d, jitter))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-closed:
		return false
	case <-t.C:
		return true
	}
}
