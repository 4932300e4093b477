package guard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

func TestLimitsUnderARule(t *testing.T) {
	t.Parallel()
	const half, ten, day = 30 * time.Minute, 10 * time.Minute, 24 * time.Hour
	five := guard.Lockout{Known: true, Threshold: 5, Window: ten}
	tests := []struct {
		name   string
		limits guard.Limits
		rule   guard.Lockout
		want   guard.Limit
	}{
		{"nothing known", guard.Limits{}, guard.Lockout{}, guard.Limit{Max: 3, Window: half}},
		{"nothing known, configured", guard.Limits{Max: 1, Window: time.Hour}, guard.Lockout{}, guard.Limit{Max: 1, Window: time.Hour}},
		{"nothing known, more configured", guard.Limits{Max: 8}, guard.Lockout{}, guard.Limit{Max: 8, Window: half}},
		{"feared", guard.Limits{}, guard.Lockout{Threshold: 3}, guard.Limit{Max: 1, Window: half}},
		{"feared, configured", guard.Limits{Max: 2}, guard.Lockout{Threshold: 3}, guard.Limit{Max: 2, Window: half}},
		{"five", guard.Limits{}, five, guard.Limit{Max: 3, Window: ten, Ceiling: 4}},
		{"five, fewer configured", guard.Limits{Max: 2}, five, guard.Limit{Max: 2, Window: ten, Ceiling: 4}},
		{"five, more configured", guard.Limits{Max: 5}, five, guard.Limit{Max: 3, Window: ten, Ceiling: 4}},
		{"longer window configured", guard.Limits{Window: half}, five, guard.Limit{Max: 3, Window: half, Ceiling: 4}},
		{"shorter window configured", guard.Limits{Window: time.Minute}, five, guard.Limit{Max: 3, Window: ten, Ceiling: 4}},
		{"one", guard.Limits{}, guard.Lockout{Known: true, Threshold: 1, Window: ten}, guard.Limit{Max: 1, Window: ten}},
		{"two", guard.Limits{}, guard.Lockout{Known: true, Threshold: 2, Window: ten}, guard.Limit{Max: 1, Window: ten, Ceiling: 1}},
		{"many", guard.Limits{}, guard.Lockout{Known: true, Threshold: 500, Window: ten}, guard.Limit{Max: 10, Window: ten, Ceiling: 499}},
		{"never locks", guard.Limits{}, guard.Lockout{Known: true}, guard.Limit{Max: 10, Window: half}},
		{"never locks, configured", guard.Limits{Max: 4, Window: ten}, guard.Lockout{Known: true}, guard.Limit{Max: 4, Window: ten}},
		{"never forgets", guard.Limits{}, guard.Lockout{Known: true, Threshold: 5}, guard.Limit{Max: 3, Window: day, Ceiling: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.limits.Under(tt.rule); got != tt.want {
				t.Errorf("Under(%+v) = %+v, want %+v", tt.rule, got, tt.want)
			}
		})
	}
}

// FuzzLimits: a known threshold that leaves room is never reached, with one failure of a proven password besides.
func FuzzLimits(f *testing.F) {
	f.Add(3, int64(time.Hour), 5, int64(time.Minute))
	f.Add(0, int64(0), 3, int64(0))
	f.Fuzz(func(t *testing.T, most int, window int64, threshold int, observed int64) {
		l := guard.Limits{Max: max(most, 0), Window: time.Duration(max(window, 0))}
		rule := guard.Lockout{Known: true, Threshold: threshold, Window: time.Duration(max(observed, 0))}
		got := l.Under(rule)
		if got.Max < 1 || got.Window <= 0 && rule.Window > 0 || got.Window < rule.Window {
			t.Errorf("%+v under %+v = %+v, want a number and no shorter window", l, rule, got)
		}
		if threshold >= 3 && got.Max+1 >= threshold {
			t.Errorf("%+v under %+v = %+v, which locks", l, rule, got)
		}
	})
}

// TestSlotLeavesRoom: a slot is not used if its bind could be the one that locks.
func TestSlotLeavesRoom(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	five := guard.Lockout{Known: true, Threshold: 5, Window: 10 * time.Minute}
	brief := guard.Lockout{Known: true, Threshold: 5, Window: 10 * time.Minute, Duration: time.Minute}
	endless := guard.Lockout{Known: true, Threshold: 5, Duration: time.Minute}
	seen := func(ago ...time.Duration) guard.Seen {
		s := guard.Seen{Failures: len(ago), Last: now.Add(-ago[len(ago)-1])}
		for _, d := range ago {
			s.Times = append(s.Times, now.Add(-d))
		}
		return s
	}
	tests := []struct {
		name       string
		rule       guard.Lockout
		open, kept int // of the account, beside the slot
		seen       guard.Seen
		want       bool
	}{
		{"nothing seen", five, 0, 0, guard.Seen{}, true},
		{"three seen", five, 0, 0, guard.Seen{Failures: 3, Last: now}, true},
		{"four seen", five, 0, 0, guard.Seen{Failures: 4, Last: now}, false},
		{"three seen, which are ours", five, 0, 2, guard.Seen{Failures: 3, Last: now}, true},
		{"three seen, one under way", five, 1, 0, guard.Seen{Failures: 3, Last: now}, false},
		{"locked already", five, 0, 0, guard.Seen{Failures: 5, Last: now}, true},
		{"four seen, long ago", five, 0, 0, guard.Seen{Failures: 4, Last: now.Add(-10 * time.Minute)}, true},
		{"four seen, nobody knows when", five, 0, 0, guard.Seen{Failures: 4}, false},
		{"four seen, one counts", five, 0, 0, seen(time.Hour, time.Hour, time.Hour, time.Second), true},
		{"five seen, four count", five, 0, 0, seen(time.Hour, 9*time.Minute, 8*time.Minute, 2*time.Second, time.Second), false},
		{"five seen, one cannot be read", five, 0, 0, guard.Seen{Failures: 5, Last: now, Times: append(seen(time.Hour, 3, 2, 1).Times, time.Time{})}, false},
		{"locked now", brief, 0, 0, seen(5, 4, 3, 2, 1), true},
		{"the lock has ended, its failures count", brief, 0, 0, seen(6*time.Minute, 5*time.Minute, 4*time.Minute, 3*time.Minute, 2*time.Minute), false},
		{"the lock may have ended by another clock", brief, 0, 0, seen(5, 4, 3, 2, 55*time.Second), false},
		{"the lock has ended and two have", brief, 0, 0, seen(time.Hour, time.Hour, 4*time.Minute, 3*time.Minute, 2*time.Minute), true},
		{"the lock has ended, nothing is ever forgotten", endless, 0, 0, seen(5*time.Hour, 4*time.Hour, 3*time.Hour, 2*time.Hour, time.Hour), false},
		{"locked some time", brief, 0, 0, guard.Seen{Failures: 5}, false},
		{"four seen, rule not known", guard.Lockout{}, 0, 0, guard.Seen{Failures: 4, Last: now}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := guard.NewBudget(guard.BudgetOptions{Counter: newMemory(t, guard.MemoryOptions{Now: func() time.Time { return now }})})
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.open + tt.kept {
				settle, err := b.Attempts("corp", "id", tt.rule, tt.seen).Reserve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if i < tt.kept {
					settle(guard.Wrong)
				}
			}
			a := b.Attempts("corp", "id", tt.rule, tt.seen)
			if _, err := a.Reserve(t.Context()); err != nil {
				t.Fatal(err)
			}
			err = a.Leaves(tt.seen, now)
			if got := err == nil; got != tt.want || err != nil && !errors.Is(err, guard.ErrNoBudget) {
				t.Errorf("Leaves(%+v) = %v, want room %t", tt.seen, err, tt.want)
			}
		})
	}
}
