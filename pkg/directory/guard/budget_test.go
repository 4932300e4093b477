package guard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// counter is a fake with func fields.
type counter struct {
	reserve func(ctx context.Context, key string, limit guard.Limit) (guard.Slot, error)
	settle  func(ctx context.Context, s guard.Slot, o guard.Outcome) error
}

func (c counter) Reserve(ctx context.Context, key string, limit guard.Limit) (guard.Slot, error) {
	return c.reserve(ctx, key, limit)
}

func (c counter) Settle(ctx context.Context, s guard.Slot, o guard.Outcome) error {
	return c.settle(ctx, s, o)
}

func TestBudgetCounts(t *testing.T) {
	t.Parallel()
	var settled []guard.Outcome
	c := counter{
		reserve: func(_ context.Context, key string, limit guard.Limit) (guard.Slot, error) {
			if key != guard.AccountKey("corp", "id-1") || limit != (guard.Limit{Max: 5, Window: time.Hour}) {
				t.Errorf("Reserve(%q, %+v), want the account's key, 5 and 1h", key, limit)
			}
			return guard.Slot{Key: key, ID: 9}, nil
		},
		settle: func(ctx context.Context, s guard.Slot, o guard.Outcome) error {
			if s.ID != 9 || ctx.Err() != nil {
				t.Errorf("Settle of slot %d with context error %v, want 9 and none", s.ID, ctx.Err())
			}
			settled = append(settled, o)
			return nil
		},
	}
	b, err := guard.NewBudget(guard.BudgetOptions{Counter: c, Limits: guard.Limits{Max: 5, Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	settle, err := b.Attempts("corp", "id-1", guard.Lockout{}, guard.Seen{}).Reserve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the caller may be gone when the answer comes
	settle(guard.Wrong)
	if len(settled) != 1 || settled[0] != guard.Wrong {
		t.Errorf("settled as %v, want wrong", settled)
	}
}

func TestBudgetRefuses(t *testing.T) {
	t.Parallel()
	b, err := guard.NewBudget(guard.BudgetOptions{Counter: counter{
		reserve: func(_ context.Context, _ string, limit guard.Limit) (guard.Slot, error) {
			if limit != (guard.Limit{Max: 3, Window: 30 * time.Minute}) {
				t.Errorf("Reserve(%+v), want the defaults 3 and 30m", limit)
			}
			return guard.Slot{}, &identity.RetryError{Err: identity.ErrThrottled, After: time.Minute}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Attempts("corp", "id", guard.Lockout{}, guard.Seen{}).Reserve(t.Context())
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !errors.Is(err, identity.ErrThrottled) || !ok || retry.After != time.Minute {
		t.Errorf("Reserve() error = %v, want ErrThrottled with its time", err)
	}
}

func TestBudgetReportsUnsettled(t *testing.T) {
	t.Parallel()
	fault := errors.New("store away")
	var reported error
	b, err := guard.NewBudget(guard.BudgetOptions{
		Counter: counter{
			reserve: func(context.Context, string, guard.Limit) (guard.Slot, error) { return guard.Slot{}, nil },
			settle:  func(context.Context, guard.Slot, guard.Outcome) error { return fault },
		},
		Unsettled: func(err error) { reported = err },
	})
	if err != nil {
		t.Fatal(err)
	}
	settle, err := b.Attempts("corp", "id", guard.Lockout{}, guard.Seen{}).Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settle(guard.OK)
	if !errors.Is(reported, fault) {
		t.Errorf("reported %v, want the counter's error", reported)
	}
}

func TestBudgetWithoutCounter(t *testing.T) {
	t.Parallel()
	b, err := guard.NewBudget(guard.BudgetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		settle, err := b.Attempts("corp", "id", guard.Lockout{}, guard.Seen{}).Reserve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settle(guard.Wrong)
	}
	if _, err := guard.NewBudget(guard.BudgetOptions{Limits: guard.Limits{Max: -1}}); !errors.Is(err, guard.ErrInvalidOptions) {
		t.Errorf("NewBudget with a negative limit: error %v, want ErrInvalidOptions", err)
	}
}

func TestUnlimited(t *testing.T) {
	t.Parallel()
	slot, err := guard.Unlimited{}.Reserve(t.Context(), "key", guard.Limit{})
	if err != nil || slot.Key != "key" {
		t.Errorf("Reserve() = %+v, %v, want a slot of the key", slot, err)
	}
	if err := (guard.Unlimited{}).Settle(t.Context(), slot, guard.Wrong); err != nil {
		t.Errorf("Settle(): %v", err)
	}
}

func TestAccountKeysDiffer(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, k := range []string{
		guard.AccountKey("a", "b"), guard.AccountKey("a/b", ""), guard.AccountKey("", "a/b"), guard.AccountKey(`a"/`, "b"),
	} {
		keys[k] = true
	}
	if len(keys) != 4 {
		t.Errorf("keys %v, want 4 different ones", keys)
	}
}

func TestOutcomeWords(t *testing.T) {
	t.Parallel()
	want := map[guard.Outcome]string{
		guard.Unknown: "unknown", guard.OK: "ok", guard.Wrong: "wrong", guard.Refused: "refused",
		guard.NotSent: "not_sent", 99: "unknown",
	}
	for o, word := range want {
		if o.String() != word {
			t.Errorf("Outcome(%d) = %q, want %q", o, o, word)
		}
	}
}

// TestAdmittedIsNeverRefused: a password that was proven before passes an empty budget, and is counted.
func TestAdmittedIsNeverRefused(t *testing.T) {
	t.Parallel()
	b, err := guard.NewBudget(guard.BudgetOptions{Counter: newMemory(t, guard.MemoryOptions{}), Limits: guard.Limits{Max: 2}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		settle, err := b.Admitted("corp", "id").Reserve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settle(guard.Wrong)
	}
	if _, err := b.Attempts("corp", "id", guard.Lockout{}, guard.Seen{}).Reserve(t.Context()); !errors.Is(err, guard.ErrNoBudget) {
		t.Errorf("Attempts after two failures: error %v, want ErrNoBudget", err)
	}
	settle, err := b.Admitted("corp", "id").Reserve(t.Context())
	if err != nil {
		t.Fatalf("Admitted after two failures: %v", err)
	}
	settle(guard.OK)
	if _, err := b.Attempts("corp", "id", guard.Lockout{}, guard.Seen{}).Reserve(t.Context()); err != nil {
		t.Errorf("Attempts after a success: %v", err)
	}
}

// TestAdmittedLeavesTheWindowAlone: a password that was proven before does not end failures sooner than the account's
// rule does; only its success ends them.
func TestAdmittedLeavesTheWindowAlone(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	memory := newMemory(t, guard.MemoryOptions{Now: func() time.Time { return now }})
	b, err := guard.NewBudget(guard.BudgetOptions{Counter: memory})
	if err != nil {
		t.Fatal(err)
	}
	rule := guard.Lockout{Known: true, Threshold: 3, Window: time.Hour}
	settle, err := b.Attempts("corp", "id", rule, guard.Seen{}).Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settle(guard.Wrong)
	now = now.Add(45 * time.Minute)
	if settle, err = b.Admitted("corp", "id").Reserve(t.Context()); err != nil {
		t.Fatal(err)
	}
	settle(guard.NotSent)
	if _, err := b.Attempts("corp", "id", rule, guard.Seen{}).Reserve(t.Context()); !errors.Is(err, guard.ErrNoBudget) {
		t.Errorf("Attempts within the window: error %v, want ErrNoBudget", err)
	}
	now = now.Add(15 * time.Minute)
	if _, err := b.Attempts("corp", "id", rule, guard.Seen{}).Reserve(t.Context()); err != nil {
		t.Errorf("Attempts after the window: %v", err)
	}
}
