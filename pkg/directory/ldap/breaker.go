package ldap

import (
	"sync"
	"sync/atomic"
)

// breaker counts failures in a row. It opens only while somebody probes for recovery.
type breaker struct {
	failures atomic.Int32
	opened   chan struct{} // tells the prober
	wanted   chan struct{} // tells the prober that there is no other server

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

// watch says that a prober runs from now on; until then the breaker stays closed.
func (b *breaker) watch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probed = true
}

// wasRefused reports whether the last failure was a refused connection.
func (b *breaker) wasRefused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}
