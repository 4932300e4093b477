package loopback

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"
)

// step is how often a condition is looked at.
const step = 10 * time.Millisecond

// Address is a port of the loopback address, to listen on.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Host is the same port under the name that clients are given: many refuse an address literal as a realm.
func Host(port int) string { return net.JoinHostPort("localhost", strconv.Itoa(port)) }

// Eventually waits until a condition holds. It fails the test with the condition's last error when it does not
// hold in time.
func Eventually(t testing.TB, within time.Duration, holds func() error) {
	t.Helper()
	if err := Poll(t.Context(), within, holds); err != nil {
		t.Fatal(err)
	}
}

// Poll asks until the answer is nil, the time is over, or ctx ends; then it returns the last answer.
func Poll(ctx context.Context, within time.Duration, ask func() error) error {
	end := time.NewTimer(within)
	defer end.Stop()
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-end.C:
			return fmt.Errorf("not within %v: %w", within, err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}
