package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/server"
)

// pipes is a listener whose connections are in memory, so that their deadlines follow the clock of a synctest
// bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Serve closes a listener more than once.
func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// dial connects.
func (p *pipes) dial(t *testing.T) net.Conn {
	t.Helper()
	client, far := net.Pipe()
	p.conns <- far
	t.Cleanup(func() { client.Close() })
	return client
}

// serve runs a server until stop is called, which gives what Serve returned.
func serve(t *testing.T, r *rig, l net.Listener) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx, l) }()
	return func() error {
		cancel()
		return <-done
	}
}

// answerOf reads one answer from a connection.
func answerOf(t *testing.T, conn io.Reader) (status int, body string) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	return response.StatusCode, string(b)
}

func TestP23_SlowBodyTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, l := newRig(t, nil), newPipes()
		stop := serve(t, r, l)
		conn, start := l.dial(t), time.Now()
		head := "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant_type="
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		status, body := answerOf(t, conn)
		if took := time.Since(start); status != http.StatusRequestTimeout || took != 5*time.Second {
			t.Errorf("answer %d %s after %v, want 408 after 5s", status, body, took)
		}
		conn.Close()
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestSlowHeadIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, l := newRig(t, nil), newPipes()
		stop := serve(t, r, l)
		conn, start := l.dial(t), time.Now()
		if _, err := io.WriteString(conn, "GET /token HTTP/1.1\r\nHost:"); err != nil {
			t.Fatal(err)
		}
		_, err := io.ReadAll(conn)
		if took := time.Since(start); err != nil || took != 5*time.Second {
			t.Errorf("connection ends after %v with %v, want 5s", took, err)
		}
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestWaitingLongerThanTheReadDeadlineHurtsNoRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, l := newRig(t, func(_ *server.Options, g *granter) { g.grant = after(4 * time.Second) }), newPipes()
		stop := serve(t, r, l)
		conn := l.dial(t)
		body := "grant_type=password&username=alice&password=" + strings.ReplaceAll(strings.ReplaceAll(password, "&", "%26"), " ", "+") + "&service=" + service
		head := "POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
		fmt.Fprintf(conn, head, len(body))
		time.Sleep(2 * time.Second) // of the bubble's clock
		io.WriteString(conn, body)
		if status, answer := answerOf(t, conn); status != 503 {
			t.Errorf("answer %d %s, want 503: 2s of body and 4s of work are over the 5s of a request", status, answer)
		}
		conn = l.dial(t)
		fmt.Fprintf(conn, head+"%s", len(body), body)
		if status, answer := answerOf(t, conn); status != 200 {
			t.Errorf("answer %d %s, want 200", status, answer)
		}
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 1), make(chan struct{})
		r, l := newRig(t, func(_ *server.Options, g *granter) { g.grant = gated(entered, leave) }), newPipes()
		stop := serve(t, r, l)
		conn := l.dial(t)
		fmt.Fprintf(conn, "GET /token?service=%s&scope=repository:a:pull HTTP/1.1\r\nHost: x\r\n\r\n", service)
		<-entered
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		synctest.Wait()
		select {
		case l.conns <- nil:
			t.Error("a connection is accepted while draining")
		default:
		}
		close(leave)
		if status, body := answerOf(t, conn); status != 200 {
			t.Errorf("request in flight: %d %s, want 200", status, body)
		}
		if err := <-stopped; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeDrainIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 1), make(chan struct{})
		r, l := newRig(t, func(o *server.Options, g *granter) {
			o.DrainTimeout = 3 * time.Second
			g.grant = gated(entered, leave) // which does not look at its context
		}), newPipes()
		stop := serve(t, r, l)
		conn := l.dial(t)
		fmt.Fprintf(conn, "GET /token?service=%s&scope=repository:a:pull HTTP/1.1\r\nHost: x\r\n\r\n", service)
		<-entered
		start := time.Now()
		err := stop()
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("Serve ends after %v with %v, want 3s and a deadline", took, err)
		}
		close(leave)
	})
}

func TestServeReportsItsListener(t *testing.T) {
	t.Parallel()
	l := newPipes()
	l.Close()
	if err := newRig(t, nil).Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v, want %v", err, net.ErrClosed)
	}
}

func TestP22_LongRequestLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, l := newRig(t, nil), newPipes()
		stop := serve(t, r, l)
		ask := func(size int) (int, string) {
			conn := l.dial(t)
			scopes := strings.Repeat("scope=repository:team/app:pull&", 200)
			line := "GET /token?" + scopes + "service=" + service + "&x="
			line += strings.Repeat("y", size-len(line)-len(" HTTP/1.1")) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
			go io.WriteString(conn, line) // the server may hang up before the end
			return answerOf(t, conn)
		}
		if status, body := ask(32 << 10); status != 200 {
			t.Errorf("32 KiB: %d %s, want 200", status, body)
		}
		if status, _ := ask(200 << 10); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("200 KiB: %d, want 431", status)
		}
		if status, body := ask(8 << 10); status != 200 {
			t.Errorf("after that: %d %s, want 200", status, body)
		}
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestOddRequestLinesGetNoRedirect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, l := newRig(t, nil), newPipes()
		stop := serve(t, r, l)
		for line, want := range map[string]int{
			"GET //token": 404, "GET /auth//token": 404, "GET /auth/../token": 404, "GET http://x/token/": 400, "OPTIONS *": 404,
			"CONNECT x:1": 404, "GET /%74oken": 400, "HEAD /token": 405,
		} {
			conn := l.dial(t)
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", line)
			request := &http.Request{Method: strings.Fields(line)[0]}
			response, err := http.ReadResponse(bufio.NewReader(conn), request)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			response.Body.Close()
			if response.StatusCode != want || response.Header.Get("Location") != "" {
				t.Errorf("%s = %d, want %d", line, response.StatusCode, want)
			}
		}
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}
