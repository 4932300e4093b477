package loopback

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Ports are taken below the range from which systems give out ports for outgoing connections, so that no
// client's connection can take one between the look and the listen.
const lowest, highest = 20000, 32000

// step is how often a condition is looked at.
const step = 10 * time.Millisecond

// given remembers ports that were given out, so that tests that run at once never get the same.
var given = struct { //nolint:gochecknoglobals // the ports of one machine
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// Ports returns the first of n adjacent ports on which nothing listens.
func Ports(t testing.TB, n int) int {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	for range 1000 {
		first := lowest + rand.N(highest-lowest-n) //nolint:gosec // not a secret
		if free(first, n) {
			for p := first; p < first+n; p++ {
				given.ports[p] = true
			}
			return first
		}
	}
	t.Fatalf("no %d adjacent free ports between %d and %d", n, lowest, highest)
	return 0
}

// free reports whether nothing listens on n ports and none of them was given out.
func free(first, n int) bool {
	for p := first; p < first+n; p++ {
		if given.ports[p] {
			return false
		}
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", Address(p))
		if err != nil {
			return false
		}
		if err := l.Close(); err != nil {
			return false
		}
	}
	return true
}

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
