package guard_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Three binds of an account may fail in half an hour; the fourth is not sent.
func ExampleMemory() {
	ctx := context.Background()
	m, err := guard.NewMemory(guard.MemoryOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	key := guard.AccountKey("corp", "id-of-alice")
	for range 4 {
		slot, err := m.Reserve(ctx, key, guard.Limit{Max: 3, Window: 30 * time.Minute})
		if errors.Is(err, identity.ErrThrottled) {
			fmt.Println("throttled")
			continue
		}
		fmt.Println("bind", m.Settle(ctx, slot, guard.Wrong))
	}
	// Output:
	// bind <nil>
	// bind <nil>
	// bind <nil>
	// throttled
}
