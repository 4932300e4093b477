package guard_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	limit  = 3
	window = 30 * time.Minute
)

func newMemory(tb testing.TB, o guard.MemoryOptions) *guard.Memory {
	tb.Helper()
	m, err := guard.NewMemory(o)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// reserve takes a slot that must be there.
func reserve(tb testing.TB, m *guard.Memory, key string) guard.Slot {
	tb.Helper()
	s, err := m.Reserve(tb.Context(), key, guard.Limit{Max: limit, Window: window})
	if err != nil {
		tb.Fatalf("Reserve(%q): %v", key, err)
	}
	return s
}

// attempt reserves and settles.
func attempt(tb testing.TB, m *guard.Memory, key string, o guard.Outcome) {
	tb.Helper()
	settle(tb, m, reserve(tb, m, key), o)
}

func settle(tb testing.TB, m *guard.Memory, s guard.Slot, o guard.Outcome) {
	tb.Helper()
	if err := m.Settle(tb.Context(), s, o); err != nil {
		tb.Fatalf("Settle(%+v, %v): %v", s, o, err)
	}
}

// wantEmpty checks that the budget is empty for a time.
func wantEmpty(tb testing.TB, m *guard.Memory, key string, after time.Duration) {
	tb.Helper()
	_, err := m.Reserve(tb.Context(), key, guard.Limit{Max: limit, Window: window})
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, guard.ErrNoBudget) || !errors.Is(err, identity.ErrThrottled) {
		tb.Fatalf("Reserve(%q) error = %v, want ErrNoBudget", key, err)
	}
	if retry.After != after {
		tb.Errorf("Reserve(%q) says to wait %v, want %v", key, retry.After, after)
	}
}

// TestP34_BudgetOfFailedBinds: the outcomes that count, and those that do not.
func TestP34_BudgetOfFailedBinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		outcomes []guard.Outcome
		empty    bool
	}{
		{"wrong", []guard.Outcome{guard.Wrong, guard.Wrong, guard.Wrong}, true},
		{"refused", []guard.Outcome{guard.Refused, guard.Refused, guard.Refused}, true},
		{"unknown", []guard.Outcome{guard.Unknown, guard.Unknown, guard.Unknown}, true},
		{"two wrong", []guard.Outcome{guard.Wrong, guard.Wrong}, false},
		{"not sent", []guard.Outcome{guard.Wrong, guard.Wrong, guard.NotSent}, false},
		{"ok clears", []guard.Outcome{guard.Wrong, guard.Refused, guard.OK, guard.Wrong, guard.Wrong}, false},
		{"ok at first", []guard.Outcome{guard.OK, guard.Wrong, guard.Wrong, guard.Wrong}, true},
		{"ok does not clear unknown", []guard.Outcome{guard.Unknown, guard.Unknown, guard.OK, guard.Wrong}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t, guard.MemoryOptions{})
				for _, o := range tt.outcomes {
					attempt(t, m, "alice", o)
				}
				if tt.empty {
					wantEmpty(t, m, "alice", window)
				} else {
					attempt(t, m, "alice", guard.NotSent)
				}
				attempt(t, m, "bob", guard.NotSent) // who is somebody else
			})
		})
	}
}

// TestBudgetEndsAfterAQuietWindow: failures count until none was sent for a window. What is refused in between makes
// it no longer.
func TestBudgetEndsAfterAQuietWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, guard.MemoryOptions{})
		attempt(t, m, "alice", guard.Wrong)
		time.Sleep(window - time.Second)
		attempt(t, m, "alice", guard.Wrong) // before the first one has ended: the quiet time begins again
		time.Sleep(window - time.Second)
		attempt(t, m, "alice", guard.Wrong)
		for wait := window; wait > 0; wait -= time.Minute {
			wantEmpty(t, m, "alice", wait)
			time.Sleep(time.Minute)
		}
		for range limit {
			attempt(t, m, "alice", guard.Wrong)
		}
		wantEmpty(t, m, "alice", window)
	})
}

// TestSlotsInFlightCount: parallel binds never exceed the limit, and what overlaps with a success stays counted.
func TestSlotsInFlightCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, guard.MemoryOptions{})
		a, b, c := reserve(t, m, "alice"), reserve(t, m, "alice"), reserve(t, m, "alice")
		wantEmpty(t, m, "alice", window)
		settle(t, m, a, guard.Wrong)
		wantEmpty(t, m, "alice", window)
		settle(t, m, b, guard.OK) // a was under way with it: the directory may have counted a after b
		settle(t, m, c, guard.Wrong)
		attempt(t, m, "alice", guard.Wrong)
		wantEmpty(t, m, "alice", window)
	})
}

func TestMemoryAtOnce(t *testing.T) {
	t.Parallel()
	m := newMemory(t, guard.MemoryOptions{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]int{}
	for i := range 600 {
		key := "account " + strconv.Itoa(i%3)
		wg.Go(func() {
			s, err := m.Reserve(t.Context(), key, guard.Limit{Max: limit, Window: window})
			if err != nil {
				return
			}
			mu.Lock()
			sent[key]++
			mu.Unlock()
			settle(t, m, s, guard.Wrong)
		})
	}
	wg.Wait()
	for key, n := range sent {
		if n != limit {
			t.Errorf("%d binds of %s, want %d", n, key, limit)
		}
	}
}

// TestFloodEvictsNoVictim: a full memory refuses accounts that it does not hold, and forgets none that it holds.
func TestFloodEvictsNoVictim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, guard.MemoryOptions{Size: 10})
		for range limit {
			attempt(t, m, "victim", guard.Wrong)
		}
		for i := range 9 {
			attempt(t, m, strconv.Itoa(i), guard.Wrong)
		}
		time.Sleep(time.Minute)
		for i := range 1000 {
			wantEmpty(t, m, "more "+strconv.Itoa(i), time.Second)
		}
		wantEmpty(t, m, "victim", window-time.Minute)
		s, err := m.Reserve(t.Context(), "proven", guard.Limit{Max: guard.Unbounded, Window: window})
		if err != nil {
			t.Fatalf("Reserve without a limit: %v", err)
		}
		settle(t, m, s, guard.Wrong)
		attempt(t, m, "0", guard.OK) // makes room
		attempt(t, m, "more", guard.Wrong)
		time.Sleep(window)
		for i := range 10 {
			attempt(t, m, "later "+strconv.Itoa(i), guard.Wrong)
		}
	})
}

func TestEvictAny(t *testing.T) {
	t.Parallel()
	m := newMemory(t, guard.MemoryOptions{Size: 10, Full: guard.EvictAny})
	for i := range 1000 {
		attempt(t, m, strconv.Itoa(i), guard.Wrong)
	}
}

// TestUnboundedIsCounted: a bind that nobody limits counts for those that somebody does, and what is held of it has
// a bound.
func TestUnboundedIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, guard.MemoryOptions{})
		for range 3000 {
			s, err := m.Reserve(t.Context(), "alice", guard.Limit{Max: guard.Unbounded, Window: window})
			if err != nil {
				t.Fatal(err)
			}
			settle(t, m, s, guard.Unknown)
		}
		wantEmpty(t, m, "alice", window)
	})
}

func TestForgetAndThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, guard.MemoryOptions{})
		alice, bob := guard.AccountKey("corp", "alice"), guard.AccountKey("corp", "bob")
		for range limit {
			attempt(t, m, alice, guard.Wrong)
			attempt(t, m, guard.AccountKey("partner", "alice"), guard.Wrong)
		}
		attempt(t, m, bob, guard.Wrong)
		if n := m.Throttled("corp"); n != 1 {
			t.Errorf("Throttled() = %d, want alice alone", n)
		}
		m.Forget(alice)
		m.Forget("nobody")
		if n := m.Throttled("corp"); n != 0 {
			t.Errorf("Throttled() = %d after Forget, want 0", n)
		}
		s := reserve(t, m, alice)
		m.Forget(alice)
		settle(t, m, s, guard.Wrong) // sent before: the directory counts it
		attempt(t, m, alice, guard.Wrong)
		attempt(t, m, alice, guard.Wrong)
		wantEmpty(t, m, alice, window)
		time.Sleep(window)
		if n := m.Throttled("corp") + m.Throttled("partner"); n != 0 {
			t.Errorf("Throttled() = %d after the window, want 0", n)
		}
	})
}

func TestLostReservationEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, guard.MemoryOptions{})
		for range limit {
			reserve(t, m, "alice")
		}
		time.Sleep(window)
		wantEmpty(t, m, "alice", window)
		time.Sleep(window)
		attempt(t, m, "alice", guard.Wrong)
	})
}

func TestNewMemoryRefuses(t *testing.T) {
	t.Parallel()
	if _, err := guard.NewMemory(guard.MemoryOptions{Size: -1}); !errors.Is(err, guard.ErrInvalidOptions) {
		t.Errorf("NewMemory of a negative size: error %v, want ErrInvalidOptions", err)
	}
}

// server is an account as a directory counts its failures: in one of two ways, which both end with a success.
type server struct {
	quiet    bool // forgets all failures after a time without one; else each one after its time
	failures []time.Time
}

// bind counts a bind when it arrives. It gives how many failures stand now.
func (s *server) bind(now time.Time, right bool) int {
	if right {
		s.failures = nil
		return 0
	}
	if s.quiet {
		if n := len(s.failures); n > 0 && now.Sub(s.failures[n-1]) >= window {
			s.failures = nil
		}
	} else {
		for len(s.failures) > 0 && now.Sub(s.failures[0]) >= window {
			s.failures = s.failures[1:]
		}
	}
	s.failures = append(s.failures, now)
	return len(s.failures)
}

// flying is a bind between its reservation and its settlement.
type flying struct {
	slot     guard.Slot
	reserved time.Time
	right    bool
	arrived  bool
}

// world is a memory, an account that it protects, and the binds under way between them.
type world struct {
	t       *testing.T
	r       *rand.Rand
	now     time.Time
	memory  *guard.Memory
	servers []*server
	flights []*flying
}

// reserve sends a bind if it may be sent.
func (w *world) reserve() {
	if s, err := w.memory.Reserve(w.t.Context(), "alice", guard.Limit{Max: limit, Window: window}); err == nil {
		w.flights = append(w.flights, &flying{slot: s, reserved: w.now, right: w.r.IntN(6) == 0})
	}
}

// arrive lets the directory count a bind, once.
func (w *world) arrive(b *flying) {
	if b.arrived {
		return
	}
	b.arrived = true
	for _, s := range w.servers {
		if n := s.bind(w.now, b.right); n > limit {
			w.t.Fatalf("%d failures stand (quiet %t), want at most %d", n, s.quiet, limit)
		}
	}
}

// settle ends a bind: it was answered, or its answer was lost, or it was never sent.
func (w *world) settle(i int) {
	b := w.flights[i]
	w.flights = append(w.flights[:i], w.flights[i+1:]...)
	lost := w.r.IntN(4) == 0
	if lost && !b.arrived {
		settle(w.t, w.memory, b.slot, guard.NotSent)
		return
	}
	w.arrive(b)
	o := guard.Wrong
	switch {
	case lost:
		o = guard.Unknown
	case b.right:
		o = guard.OK
	}
	settle(w.t, w.memory, b.slot, o)
}

// FuzzNoAccountIsLocked: whatever the order in which binds are reserved, arrive and are settled, with answers lost on
// the way, no directory ever counts more failures than the limit.
func FuzzNoAccountIsLocked(f *testing.F) {
	for i := range uint64(50) {
		f.Add(i, i+1)
	}
	f.Fuzz(func(t *testing.T, seed, more uint64) {
		w := &world{t: t, r: rand.New(rand.NewPCG(seed, more)), now: time.Unix(1_700_000_000, 0)}
		w.servers = []*server{{quiet: true}, {}}
		w.memory = newMemory(t, guard.MemoryOptions{Size: 1, Now: func() time.Time { return w.now }})
		for range 400 {
			w.now = w.now.Add(time.Duration(w.r.Int64N(int64(window) / 4)))
			for len(w.flights) > 0 && w.now.Sub(w.flights[0].reserved) > window {
				w.settle(0) // nothing is under way for ever
			}
			n := len(w.flights)
			switch {
			case n == 0 || w.r.IntN(2) == 0:
				w.reserve()
			case w.r.IntN(2) == 0:
				w.arrive(w.flights[w.r.IntN(n)])
			default:
				w.settle(w.r.IntN(n))
			}
		}
	})
}
