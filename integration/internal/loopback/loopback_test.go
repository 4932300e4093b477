package loopback_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

func TestPortsAreFreeAndGivenOnce(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 20 {
		first := loopback.Ports(t, 2)
		for _, p := range []int{first, first + 1} {
			if seen[p] {
				t.Fatalf("port %d was given twice", p)
			}
			seen[p] = true
			l, err := net.Listen("tcp", loopback.Address(p))
			if err != nil {
				t.Fatalf("listen on a free port: %v", err)
			}
			l.Close()
		}
	}
}

func TestPollReturnsTheLastAnswer(t *testing.T) {
	t.Parallel()
	want := errors.New("not yet")
	if err := loopback.Poll(t.Context(), 20*time.Millisecond, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Poll = %v, want %v", err, want)
	}
	asked := 0
	err := loopback.Poll(t.Context(), time.Minute, func() error {
		if asked++; asked < 3 {
			return want
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Errorf("Poll = %v after %d questions, want nil after 3", err, asked)
	}
}
