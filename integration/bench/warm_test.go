package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/pkg/config"
	product "github.com/wharfgate/wharfgate/pkg/gate"
)

// What a warm token costs at most, in the whole process: net/http, the login flow, the bind, the policy, the
// signature, log, audit record and metrics. The figures do not depend on the machine; lower them when the gate
// gets better.
const (
	maxAllocations = 165
	maxBytes       = 18 << 10
)

// What a warm token should cost.
const (
	aimAllocations = 130
	aimBytes       = 24 << 10
)

// cost is what one token costs in memory that is new.
type cost struct{ allocations, bytes float64 }

// TestWarmTokenCost holds the ceiling.
func TestWarmTokenCost(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process
	d := startDirectory(t, 50)
	const tokens = 2000
	c := warmCost(t, startInProcess(t, d), tokens)
	if c.allocations > maxAllocations || c.bytes > maxBytes {
		t.Errorf("a warm token takes %.1f allocations and %.0f bytes, want at most %d and %d", c.allocations, c.bytes, maxAllocations, maxBytes)
	}
}

// BenchmarkWarmToken is one warm token after another on one connection.
func BenchmarkWarmToken(b *testing.B) {
	d := startDirectory(b, 50)
	client := newFrugal(b, startInProcess(b, d), 50)
	client.round(b)
	b.ReportAllocs()
	for b.Loop() {
		client.ask(b)
	}
}

// startInProcess runs the gate inside this process until the test ends and returns the address of its token
// endpoint. Log and audit record go to files.
func startInProcess(t testing.TB, d *directory, edits ...func(gate.Settings)) string {
	t.Helper()
	file, _ := configure(t, d.url, append(edits, warmFor("1h"), func(s gate.Settings) { s["listen"] = "127.0.0.1:0" })...)
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(filepath.Dir(file), "wharfgate.log"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g, err := product.Build(ctx, cfg, product.Options{Logger: slog.New(slog.NewJSONHandler(log, nil)), Audit: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gate: %v", err)
		}
		_ = log.Close()
	})
	select {
	case <-g.Ready():
	case err := <-done:
		t.Fatalf("the gate does not run: %v", err)
	}
	return g.Address().String()
}

// warmCost lets 50 people ask in turn and counts what is allocated.
func warmCost(t testing.TB, address string, tokens int) cost {
	t.Helper()
	client := newFrugal(t, address, 50)
	for range 4 { // fills pools and caches
		client.round(t)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range tokens {
		client.ask(t)
	}
	runtime.ReadMemStats(&after)
	return cost{
		allocations: float64(after.Mallocs-before.Mallocs) / float64(tokens),
		bytes:       float64(after.TotalAlloc-before.TotalAlloc) / float64(tokens),
	}
}

// frugal is an HTTP client that allocates nothing: it sends requests that were written before, and looks at no
// more of an answer than its status and length.
type frugal struct {
	conn     net.Conn
	requests [][]byte
	next     int
	buffer   [16 << 10]byte
}

// newFrugal connects; the first n people ask in turn.
func newFrugal(t testing.TB, address string, n int) *frugal {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &frugal{conn: conn}
	for i := range n {
		f.requests = append(f.requests, fmt.Appendf(nil,
			"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: docker/28.2.2 go/go1.24.3 os/linux arch/amd64\r\nAuthorization: Basic %s\r\n\r\n",
			target(i), address, basic(i, password)))
	}
	return f
}

// round lets everybody ask once.
func (f *frugal) round(t testing.TB) {
	t.Helper()
	for range f.requests {
		f.ask(t)
	}
}

// ask gets one token.
func (f *frugal) ask(t testing.TB) {
	t.Helper()
	if _, err := f.conn.Write(f.requests[f.next]); err != nil {
		t.Fatal(err)
	}
	f.next = (f.next + 1) % len(f.requests)
	have, want := 0, len(f.buffer)
	for have < want {
		n, err := f.conn.Read(f.buffer[have:])
		if err != nil {
			t.Fatalf("read the answer: %v\n%s", err, f.buffer[:have])
		}
		have += n
		if end := bytes.Index(f.buffer[:have], []byte("\r\n\r\n")); end >= 0 {
			want = end + len("\r\n\r\n") + length(f.buffer[:end])
		}
	}
	if have != want || !bytes.HasPrefix(f.buffer[:], []byte("HTTP/1.1 200 ")) {
		t.Fatalf("answer of %d bytes instead of %d:\n%s", have, want, f.buffer[:have])
	}
}

// length is the Content-Length in a header.
func length(header []byte) int {
	_, value, _ := bytes.Cut(header, []byte("\r\nContent-Length: "))
	value, _, _ = bytes.Cut(value, []byte("\r\n"))
	n, _ := strconv.Atoi(string(value))
	return n
}
