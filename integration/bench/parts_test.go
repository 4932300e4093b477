package bench_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"maps"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// bindTimeout is the deadline of each bare bind, the gate's default for an operation.
const bindTimeout = 3 * time.Second

// binder makes bare binds on connections that stay open.
type binder struct {
	users int
	next  atomic.Int64
	conns []*ldap.Conn
}

// newBinder opens n connections.
func newBinder(t testing.TB, d *directory, n int) *binder {
	t.Helper()
	b := &binder{users: d.users}
	for range n {
		c, err := ldap.DialURL(d.url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		c.SetTimeout(bindTimeout)
		b.conns = append(b.conns, c)
	}
	return b
}

// rate is B: binds a second, the people taking turns.
func (b *binder) rate(t testing.TB, d time.Duration) float64 {
	t.Helper()
	return rate(t, len(b.conns), d, func(worker int) error {
		i := int(b.next.Add(1)) % b.users
		return b.conns[worker].Bind(personDN(i), password)
	})
}

// signingRate is S: ES256 signatures a second on all cores, over a text as long as a token's.
func signingRate(t testing.TB, length int, d time.Duration) float64 {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("x", length))
	return rate(t, runtime.GOMAXPROCS(0), d, func(int) error {
		sum := sha256.Sum256(text)
		_, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		return err
	})
}

// rate lets workers repeat something for a time and returns how often a second it was done.
func rate(t testing.TB, workers int, d time.Duration, do func(worker int) error) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var wg sync.WaitGroup
	counts, errs := make([]int, workers), make([]error, workers)
	start := time.Now()
	for w := range workers {
		wg.Go(func() {
			n := 0
			for ; ctx.Err() == nil && errs[w] == nil; n++ {
				errs[w] = do(w)
			}
			counts[w] = n
		})
	}
	wg.Wait()
	took := time.Since(start)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / took.Seconds()
}

// serveTrivially is the server of H: it sends an answer of the gate again and again, and thinks nothing. It
// returns its URL.
func serveTrivially(t testing.TB, a answer) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", loopback.Address(loopback.Ports(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	header := a.header.Clone()
	header.Del("Date") // net/http writes a fresh one
	server := &http.Server{ReadHeaderTimeout: bindTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		_, _ = w.Write(a.body)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("trivial server: %v", err)
		}
	})
	return "http://" + listener.Addr().String()
}
