package policy

import "sync/atomic"

// Live holds the policy in force. It is safe for concurrent use; a request that has loaded a policy keeps it
// until it ends.
type Live struct{ current atomic.Pointer[Policy] }

// NewLive makes a Live that holds p. A nil p stands for a policy without rules, which grants nothing.
func NewLive(p *Policy) *Live {
	l := &Live{}
	l.Swap(p)
	return l
}

// Load gives the policy in force; it is never nil.
func (l *Live) Load() *Policy { return l.current.Load() }

// Swap puts another policy in force. A nil p stands for a policy without rules.
func (l *Live) Swap(p *Policy) {
	if p == nil {
		p = &Policy{anonymous: &index{}, robots: &index{}, elsewhere: &index{}}
	}
	l.current.Store(p)
}
