package loopback

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// IP returns an address of the loopback network, other than 127.0.0.1, on which nothing listens on the given ports:
// for servers whose ports cannot be chosen. Linux alone has the whole network.
func IP(t testing.TB, ports ...int) string {
	t.Helper()
	for range 100 {
		const low, high = 2, 250
		part := func() int { return low + rand.N(high-low) } //nolint:gosec // not a secret
		address := fmt.Sprintf("127.%d.%d.%d", part(), part(), part())
		if unused(address, ports) {
			return address
		}
	}
	t.Fatalf("no address of the loopback network has all of the ports %d free", ports)
	return ""
}

// unused reports whether all of the ports can be listened on.
func unused(address string, ports []int) bool {
	for _, p := range ports {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(address, strconv.Itoa(p)))
		if err != nil {
			return false
		}
		if err := l.Close(); err != nil {
			return false
		}
	}
	return true
}
