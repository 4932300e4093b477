package ldap

import (
	"context"
	"time"
)

// drain drops what is idle and turns away who waits, because the server is out of service.
func (p *bindPool) drain(f *serverError) {
	p.dropIdle()
	p.mu.Lock()
	defer p.mu.Unlock()
	for first := p.waiting.Front(); first != nil; first = p.waiting.Front() {
		p.sendLocked(first, grant{fault: f})
	}
}

// dropIdle drops what is idle.
func (p *bindPool) dropIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		p.forgetLocked(c)
	}
	p.idle = nil
}

// retire refuses from now on with a fault. What is in use is closed when it is given back.
func (p *bindPool) retire(f *serverError) {
	p.mu.Lock()
	p.closed = f
	p.mu.Unlock()
	p.drain(f)
}

// close drops everything, what is in use included, and refuses from now on with a fault.
func (p *bindPool) close(f *serverError) {
	p.retire(f)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		c.abort()
	}
}

// tidy drops idle connections that died, grew too old, or were not used for long. A connection that never
// carried anything goes sooner: some servers drop those, and the first bind on it would be lost.
func (p *bindPool) tidy(idle time.Duration) {
	const unused = 90 * time.Second
	now := p.server.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.idle[:0]
	for _, c := range p.idle {
		limit := idle
		if !c.used {
			limit = min(limit, unused)
		}
		if c.usable(now) && now.Sub(c.idle) < limit {
			kept = append(kept, c)
			continue
		}
		p.forgetLocked(c)
	}
	clear(p.idle[len(kept):])
	p.idle = kept
}

// warm opens connections, one after the other, until at least are open.
func (p *bindPool) warm(ctx context.Context, least int) {
	for ctx.Err() == nil {
		p.mu.Lock()
		if p.closed != nil || p.open >= min(least, p.max) {
			p.mu.Unlock()
			return
		}
		p.open++
		p.mu.Unlock()
		c, f := p.dial(ctx)
		if f != nil {
			return
		}
		p.put(c)
	}
}
