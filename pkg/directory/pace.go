package directory

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// paceSamples is how many of the latest refusals are looked at.
	paceSamples = 128
	// pacePercent is the share of them that took no longer than what counts as usual.
	pacePercent = 90
)

// pace is how long refusals by a bind have taken lately. The zero pace knows nothing.
type pace struct {
	mu      sync.Mutex
	samples []time.Duration // a ring once it is full
	next    int
	current atomic.Int64
}

// note takes one sample.
func (p *pace) note(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.samples) < paceSamples {
		p.samples = append(p.samples, d)
	} else {
		p.samples[p.next] = d
		p.next = (p.next + 1) % paceSamples
	}
	sorted := slices.Sorted(slices.Values(p.samples))
	p.current.Store(int64(sorted[(len(sorted)-1)*pacePercent/100]))
}

// usual is a moving percentile.
func (p *pace) usual() time.Duration { return time.Duration(p.current.Load()) }
