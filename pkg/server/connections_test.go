package server_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/wharfgate/wharfgate/pkg/server"
)

// TestConnectionsAreBounded: a connection beyond the bound is accepted when another one is closed, and Serve
// ends while one waits.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *server.Options, _ *granter) { o.Connections = 2 })
		l := newPipes()
		stop := serve(t, r, l)
		first, second := l.dial(t), l.dial(t)
		for _, c := range []net.Conn{first, second} {
			if status := askNothing(t, c); status != http.StatusNotFound {
				t.Fatalf("answer within the bound: %d, want 404", status)
			}
		}
		accepted := make(chan net.Conn, 1)
		go func() {
			client, far := net.Pipe()
			l.conns <- far
			accepted <- client
		}()
		synctest.Wait()
		if len(accepted) > 0 {
			t.Fatal("a third connection was accepted while two are open")
		}
		first.Close()
		third := <-accepted
		defer third.Close()
		if status := askNothing(t, third); status != http.StatusNotFound {
			t.Errorf("answer of the connection that waited: %d, want 404", status)
		}
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// askNothing asks for a path that is not there.
func askNothing(t *testing.T, conn net.Conn) (status int) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	status, _ = answerOf(t, conn)
	return status
}
