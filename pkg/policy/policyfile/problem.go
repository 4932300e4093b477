package policyfile

import (
	"slices"
	"sync/atomic"
)

// problem is what is wrong at present. It is set by one goroutine at a time and read by all.
type problem struct{ faults atomic.Pointer[Faults] }

// get gives the faults, or nil.
func (p *problem) get() error {
	if f := p.faults.Load(); f != nil {
		return *f
	}
	return nil
}

// set notes faults, and tells them where they are not the ones known.
func (p *problem) set(f Faults, o *Observer) {
	have := p.faults.Swap(&f)
	if have == nil || have.Error() != f.Error() {
		o.failed(f)
	}
}

// clear forgets them.
func (p *problem) clear() { p.faults.Store(nil) }

// hasCode reports whether one of the faults is of a kind.
func (p *problem) hasCode(codes ...Code) bool {
	f := p.faults.Load()
	if f == nil {
		return false
	}
	for _, fault := range *f {
		if slices.Contains(codes, fault.Code) {
			return true
		}
	}
	return false
}
