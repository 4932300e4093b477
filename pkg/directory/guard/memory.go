package guard

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ErrNoBudget means that so many binds of an account have failed that another one is not risked now.
var ErrNoBudget = fmt.Errorf("failed-bind budget is empty: %w", identity.ErrThrottled)

const (
	// defaultAccounts is how many accounts with failed binds are held when nothing else is said.
	defaultAccounts = 100_000
	// sweepEvery is how long a full memory waits before it looks again for accounts whose failures ended.
	sweepEvery = time.Second
	// leastSweep is how many accounts are held before ended ones are looked for.
	leastSweep = 1024
	// lost is how long a reservation without a settlement counts at least.
	lost = time.Hour
	// maxKept bounds what is held of one account whose binds nobody limits.
	maxKept = 1024
)

// Full says what a [Memory] does with an account for which there is no place. The zero Full is RefuseNew.
type Full uint8

// What a full Memory does.
const (
	// RefuseNew throttles accounts that are not held, so that no flood makes it forget one that is.
	RefuseNew Full = iota
	// EvictAny forgets an account at random. It is for names that stand for no account.
	EvictAny
)

// MemoryOptions says how a [Memory] counts. The zero value is usable.
type MemoryOptions struct {
	// Size is how many accounts with failed binds are held at most; zero means 100,000.
	Size int
	// Full says what happens when there are more; the zero value refuses the new ones.
	Full Full
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Memory is a [Counter] of one process.
//
// The failed binds of an account count until none has failed for a whole window. Directories that forget
// failures one by one and those that forget them all after a quiet time are both safe behind that, as long as
// their time is not longer. A refused reservation never makes the time longer.
//
// A bind that succeeded ends the failures that were known before it was sent. Those that overlap with it, or whose
// outcome is unknown, stay: the directory may count them after it.
type Memory struct {
	size int
	full Full
	now  func() time.Time

	mu       sync.Mutex
	accounts map[string]*failures
	serial   uint64 // orders reservations and settlements
	sweep    int    // how many accounts make it worth looking for ended ones
	swept    time.Time
}

var (
	_ Counter   = (*Memory)(nil)
	_ Forgetter = (*Memory)(nil)
)

// failures are the binds of one account that count.
type failures struct {
	open   []attempt // reserved, not settled
	kept   []attempt // settled and counted
	last   time.Time // when the last one was kept
	limit  int       // what a reservation was last limited by; 0 is not at all
	window time.Duration
}

// attempt is one reservation; order tells when it was reserved, and settled when it was kept.
type attempt struct {
	order, settled uint64
	at             time.Time
	unknown        bool
}

// NewMemory makes an empty Memory.
func NewMemory(o MemoryOptions) (*Memory, error) {
	if o.Size < 0 {
		return nil, fmt.Errorf("%w: memory of %d accounts", ErrInvalidOptions, o.Size)
	}
	if o.Size == 0 {
		o.Size = defaultAccounts
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Memory{
		size: o.Size, full: o.Full, now: o.Now, accounts: make(map[string]*failures), sweep: min(leastSweep, o.Size),
	}, nil
}

// Reserve takes a slot of the account, or refuses with an [identity.RetryError] that wraps [ErrNoBudget].
func (m *Memory) Reserve(_ context.Context, key string, limit Limit) (Slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	f := m.accounts[key]
	if f == nil {
		if !m.makeRoom(now) {
			if limit.Max == Unbounded {
				return Slot{Key: key}, nil
			}
			return Slot{}, noBudget(sweepEvery)
		}
		f = &failures{}
		m.accounts[key] = f
	}
	if limit.Max != Unbounded || f.window == 0 { // who is not limited does not know the account's rule
		f.window = limit.Window
	}
	f.expire(now)
	if limit.Max != Unbounded {
		f.limit = limit.Max
		if f.count() >= limit.Max {
			return Slot{}, noBudget(f.wait(now))
		}
	} else if f.count() >= maxKept {
		return Slot{Key: key}, nil // the budget is long empty; one more makes no difference
	}
	m.serial++
	f.open = append(f.open, attempt{order: m.serial, at: now})
	s := Slot{Key: key, ID: m.serial, Open: len(f.open), Kept: len(f.kept)}
	if s.Kept > 0 {
		s.Last = f.last
	}
	return s, nil
}

// Settle ends a reservation. It never fails.
func (m *Memory) Settle(_ context.Context, s Slot, o Outcome) error {
	if s.ID == 0 {
		return nil // was not counted
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	f := m.accounts[s.Key]
	if f == nil {
		return nil // so old that it has ended
	}
	f.expire(now)
	f.close(s.ID)
	switch o {
	case OK:
		f.succeed(s.ID)
	case NotSent:
	case Wrong, Refused, Unknown:
		m.serial++
		f.kept = append(f.kept, attempt{order: s.ID, settled: m.serial, at: now, unknown: o == Unknown})
		f.last = now
	}
	if f.count() == 0 {
		delete(m.accounts, s.Key)
	}
	return nil
}

// Forget ends what is counted for an account, and says how many failures that were. Binds in flight count when they
// fail.
func (m *Memory) Forget(key string) (forgotten int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.accounts[key]
	if f == nil {
		return 0
	}
	forgotten, f.kept = len(f.kept), nil
	if len(f.open) == 0 {
		delete(m.accounts, key)
	}
	return forgotten
}

// Throttled is how many accounts of a source have an empty budget. It looks at all accounts that are held.
func (m *Memory) Throttled(source string) int {
	prefix := strconv.Quote(source) + "/"
	m.mu.Lock()
	defer m.mu.Unlock()
	n, now := 0, m.now()
	for key, f := range m.accounts {
		if strings.HasPrefix(key, prefix) {
			f.expire(now)
			if f.limit > 0 && f.count() >= f.limit {
				n++
			}
		}
	}
	return n
}

// makeRoom reports whether there is a place for one more account.
func (m *Memory) makeRoom(now time.Time) bool {
	held := len(m.accounts)
	if held >= m.sweep && (held < m.size || now.Sub(m.swept) >= sweepEvery) {
		for key, f := range m.accounts {
			if f.expire(now); f.count() == 0 {
				delete(m.accounts, key)
			}
		}
		m.swept, m.sweep = now, min(max(leastSweep, 2*len(m.accounts)), m.size)
	}
	if len(m.accounts) < m.size {
		return true
	}
	if m.full == RefuseNew {
		return false
	}
	for key := range m.accounts { // the order of a map is random
		delete(m.accounts, key)
		break
	}
	return true
}

// expire drops what has ended: the failures after a window without any, and a reservation that was lost.
func (f *failures) expire(now time.Time) {
	for len(f.open) > 0 && now.Sub(f.open[0].at) >= max(f.window, lost) {
		f.open = f.open[1:]
	}
	// While a bind is under way nothing ends: it may already have failed, before the window was over.
	if len(f.open) == 0 && now.Sub(f.last) >= f.window {
		f.kept = nil
	}
}

// count is how many binds count.
func (f *failures) count() int { return len(f.open) + len(f.kept) }

// wait is how long a reservation that is refused now has to wait.
func (f *failures) wait(now time.Time) time.Duration {
	if len(f.open) > 0 {
		return f.window // they may all fail
	}
	return f.last.Add(f.window).Sub(now)
}

// close takes a reservation out of those in flight.
func (f *failures) close(order uint64) {
	for i := range f.open {
		if f.open[i].order == order {
			f.open = append(f.open[:i], f.open[i+1:]...)
			return
		}
	}
}

// succeed drops the failures that were known before a bind was reserved that has now succeeded.
func (f *failures) succeed(order uint64) {
	stay := f.kept[:0]
	for _, a := range f.kept {
		if a.unknown || a.settled > order {
			stay = append(stay, a)
		}
	}
	f.kept = stay
}

// noBudget is the refusal of a reservation.
func noBudget(after time.Duration) error {
	return &identity.RetryError{Err: ErrNoBudget, Reason: identity.ReasonThrottled, After: after}
}
