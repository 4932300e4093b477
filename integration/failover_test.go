package integration_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// relay passes connections on to a server until it is cut, and from then on refuses new ones: a second way to one
// directory, which can go away alone.
type relay struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	conns  []net.Conn
	copies sync.WaitGroup
}

// startRelay relays until the test ends.
func startRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, target: target}
	r.copies.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := new(net.Dialer).DialContext(t.Context(), "tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, near, far)
			r.mu.Unlock()
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				r.copies.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				})
			}
		}
	})
	t.Cleanup(r.cut)
	return r
}

// carried is how many connections came through.
func (r *relay) carried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns) / 2
}

// cut ends the listener and all connections at once.
func (r *relay) cut() {
	_ = r.listener.Close()
	r.mu.Lock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.copies.Wait()
}

// TestFirstServerGoesAwayUnderLoad: requests go on at the next server. Only a bind that was on its way when its
// connection ended is answered 503, as nobody knows whether it was counted; nobody is told that a password is wrong.
func TestFirstServerGoesAwayUnderLoad(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	second, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	first := startRelay(t, second.Host)
	_, port, err := net.SplitHostPort(first.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	g := startGate(t, d, func(s gate.Settings) {
		s.Directory()["servers"] = []string{"ldaps://localhost:" + port, d.URL}
	})
	load := startLoad(t, g, d.Password)
	load.Await(t, http.StatusOK, 200)
	if first.carried() == 0 {
		t.Fatal(errors.New("the first server is not used"))
	}
	away := load.Answers(http.StatusServiceUnavailable)
	first.cut()
	load.Await(t, http.StatusOK, 500)
	load.Stop(t)
	const most = 2 * 8 // for each client of the load what was on its way, and a connection whose end went unnoticed
	if n := load.Answers(http.StatusServiceUnavailable) - away; away != 0 || n > most {
		t.Errorf("%d answers 503 before and %d after the first server went away, want none and at most %d", away, n, most)
	}
}
