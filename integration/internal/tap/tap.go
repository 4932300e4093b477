package tap

import (
	"bufio"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/certtest"
)

// Tap is a way to a directory. Make one with [Start]. It is safe for concurrent use.
type Tap struct {
	// URL is its ldaps address.
	URL string
	// CAFile holds the certificate authority of its certificate.
	CAFile string

	listener net.Listener
	server   *tls.Config
	target   string
	client   *tls.Config
	running  sync.WaitGroup

	mu       sync.Mutex
	requests []Request
	opened   int
	conns    map[net.Conn]bool
	lose     func(Request) bool
	limited  string
	limit    int
}

// Start makes a way to a directory's TLS port, as host:port, that lasts as long as the test. Client trusts the
// directory.
func Start(t testing.TB, target string, client *tls.Config) *Tap {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ca := certtest.NewCA(t)
	p := &Tap{
		URL: "ldaps://" + net.JoinHostPort("localhost", port), CAFile: ca.CertFile,
		listener: l, target: target, client: client, conns: map[net.Conn]bool{},
		server: &tls.Config{Certificates: []tls.Certificate{ca.Server(t, "localhost").TLS}, MinVersion: tls.VersionTLS12},
	}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Cut ends all connections. New ones are taken.
func (p *Tap) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Lose loses the answers to the requests for which it is true: the directory does what was asked, and the gate never
// hears of it. Nil loses none.
func (p *Tap) Lose(which func(Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = which
}

// Connections is how many connections were opened so far.
func (p *Tap) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Requests returns all requests so far, in the order in which they were sent on.
func (p *Tap) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Mark is the number of requests so far, for Since.
func (p *Tap) Mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

// Since returns the requests after a mark.
func (p *Tap) Since(mark int) []Request { return p.Requests()[mark:] }

// accept serves connections until the listener is closed.
func (p *Tap) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(tls.Server(near, p.server)) })
	}
}

// serve passes messages on both ways until either end closes.
func (p *Tap) serve(near net.Conn) {
	number := p.next()
	p.hold(near)
	defer p.release(near)
	far, err := tls.Dial("tcp", p.target, p.client) //nolint:noctx // ended by Cut
	if err != nil {
		return
	}
	p.hold(far)
	defer p.release(far)
	c := &connection{tap: p, number: number, near: near, far: far, lost: map[int64]bool{}}
	var back sync.WaitGroup
	back.Go(func() {
		defer func() { _ = near.Close() }()
		c.answers(bufio.NewReader(far))
	})
	c.requests(bufio.NewReader(near))
	_ = far.Close()
	back.Wait()
}

// hold remembers a connection for Cut.
func (p *Tap) hold(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

// next counts a connection from the gate.
func (p *Tap) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened++
	return p.opened
}

func (p *Tap) release(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

// note keeps a request, and says whether its answer is to be lost.
func (p *Tap) note(r Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
	return p.lose != nil && p.lose(r)
}
