package loopback

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports are taken below the range from which systems give out ports for outgoing connections, so that no client's
// connection can take one between the look and the listen. They are given out in blocks, each to one process.
const (
	lowest, highest = 20000, 32000
	blockSize       = 300
)

// blocks are the ports of this process, each block with those that were given out: a server that is stopped for a
// while finds its port free when it comes back, whatever other tests run.
var blocks struct { //nolint:gochecknoglobals // the ports of one machine
	sync.Mutex
	mine []*block
}

// block is a part of the ports that belongs to this process as long as it listens on the first one.
type block struct {
	first int
	claim net.Listener
	next  int // the first port that was not given out
}

// Ports returns the first of n adjacent ports on which nothing listens. No test of this process or another one that
// asks here gets the same.
func Ports(t testing.TB, n int) int {
	t.Helper()
	blocks.Lock()
	defer blocks.Unlock()
	for _, b := range blocks.mine {
		if first, ok := b.take(n); ok {
			return first
		}
	}
	for range 10 {
		b, ok := claim()
		if !ok {
			break
		}
		blocks.mine = append(blocks.mine, b)
		if first, ok := b.take(n); ok {
			return first
		}
	}
	t.Fatalf("no %d adjacent free ports between %d and %d", n, lowest, highest)
	return 0
}

// claim takes a block that no other process has.
func claim() (*block, bool) {
	for _, i := range rand.Perm((highest - lowest) / blockSize) {
		first := lowest + i*blockSize
		if l, err := listen(first); err == nil {
			return &block{first: first, claim: l, next: first + 1}, true
		}
	}
	return nil, false
}

// take gives out the first of n adjacent ports of a block on which nothing listens.
func (b *block) take(n int) (first int, ok bool) {
	for b.next+n <= b.first+blockSize {
		first = b.next
		b.next++
		if free(first, n) {
			b.next = first + n
			return first, true
		}
	}
	return 0, false
}

// free reports whether nothing listens on n ports.
func free(first, n int) bool {
	for p := first; p < first+n; p++ {
		l, err := listen(p)
		if err != nil {
			return false
		}
		if err := l.Close(); err != nil {
			return false
		}
	}
	return true
}

func listen(port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), "tcp", Address(port))
}
