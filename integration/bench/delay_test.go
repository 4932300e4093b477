package bench_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// delayer passes connections on to a server and holds back each answer for some time, as a network would.
type delayer struct {
	address, server string
	delay           time.Duration

	listener net.Listener
	work     sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
	closed   bool
}

// startDelayer runs a delayer until the test ends.
func startDelayer(t testing.TB, server string, delay time.Duration) *delayer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", loopback.Address(loopback.Ports(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	d := &delayer{address: listener.Addr().String(), server: server, delay: delay, listener: listener}
	d.work.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			d.work.Go(func() { d.pass(c) })
		}
	})
	t.Cleanup(d.close)
	return d
}

// pass serves one connection.
func (d *delayer) pass(client net.Conn) {
	server, err := new(net.Dialer).Dial("tcp", d.server)
	if err != nil {
		_ = client.Close()
		return
	}
	if !d.keep(client, server) {
		return
	}
	d.work.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	d.holdBack(client, server)
	_ = client.Close()
}

// keep remembers connections for the end.
func (d *delayer) keep(conns ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = append(d.open, conns...)
	if d.closed {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	return !d.closed
}

// held is a piece of an answer and when it may go on.
type held struct {
	due  time.Time
	data []byte
}

// holdBack copies answers, each so much later.
func (d *delayer) holdBack(client io.Writer, server io.Reader) {
	const depth = 1024
	pieces := make(chan held, depth)
	d.work.Go(func() {
		defer close(pieces)
		const size = 64 << 10
		buffer := make([]byte, size)
		for {
			n, err := server.Read(buffer)
			if n > 0 {
				pieces <- held{time.Now().Add(d.delay), append([]byte(nil), buffer[:n]...)}
			}
			if err != nil {
				return
			}
		}
	})
	// The runtime's timers are too coarse for milliseconds; the kernel's are not.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for p := range pieces {
		for left := time.Until(p.due); left > 0; left = time.Until(p.due) {
			t := syscall.NsecToTimespec(int64(left))
			if err := syscall.Nanosleep(&t, nil); err != nil && !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		_, _ = client.Write(p.data) // what the client does not take any more is lost
	}
}

// close ends everything.
func (d *delayer) close() {
	_ = d.listener.Close()
	d.mu.Lock()
	d.closed = true
	for _, c := range d.open {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.work.Wait()
}

// TestDelayer: an answer comes whole, and not before its time.
func TestDelayer(t *testing.T) {
	t.Parallel()
	const delay, text = 5 * time.Millisecond, "hello"
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", loopback.Address(loopback.Ports(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if c, err := listener.Accept(); err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", startDelayer(t, listener.Addr().String(), delay).address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for range 3 {
		start := time.Now()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(text))
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != text {
			t.Fatalf("answer %q, %v, want %q", answer, err, text)
		}
		if took := time.Since(start); took < delay {
			t.Errorf("the answer took %v, want %v at least", took, delay)
		}
	}
}
