package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// broken makes a rig that answers 500, to be told from one that works.
func broken(t *testing.T) *rig {
	t.Helper()
	return newRig(t, func(_ *server.Options, g *granter) {
		g.grant = func(context.Context, authority.Request) (authority.Grant, error) {
			return authority.Grant{}, errors.New("broken")
		}
	})
}

// TestLiveSwap: a request is answered by the Server that was in force when it came in, on a connection that
// outlives the change; the one before is drained when its last request is answered.
func TestLiveSwap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 1), make(chan struct{})
		first := newRig(t, func(_ *server.Options, g *granter) { g.grant = gated(entered, leave) })
		second := broken(t)
		live, l := server.NewLive(first.Server), newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- live.Serve(ctx, l) }()

		const ask = "GET /token?service=%s&scope=repository:a:pull HTTP/1.1\r\nHost: x\r\n\r\n"
		waiting, other := l.dial(t), l.dial(t)
		fmt.Fprintf(waiting, ask, service)
		<-entered
		drained := live.Swap(second.Server)
		fmt.Fprintf(other, ask, service)
		if status, _ := answerOf(t, other); status != http.StatusInternalServerError {
			t.Errorf("a request after the change is answered %d, want 500 of the second", status)
		}
		select {
		case <-drained:
			t.Error("the first is drained before its request is answered")
		default:
		}
		close(leave)
		if status, _ := answerOf(t, waiting); status != http.StatusOK {
			t.Errorf("the request before the change is answered %d, want 200 of the first", status)
		}
		<-drained
		fmt.Fprintf(waiting, ask, service)
		if status, _ := answerOf(t, waiting); status != http.StatusInternalServerError {
			t.Errorf("the next request on its connection is answered %d, want 500 of the second", status)
		}
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// TestLiveSwapsTLS: a connection has the TLS of the Server that is in force when it is accepted.
func TestLiveSwapsTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	cert := ca.Server(t, "127.0.0.1")
	secure := newRig(t, func(o *server.Options, _ *granter) { o.CertFile, o.KeyFile = cert.CertFile, cert.KeyFile })
	live := server.NewLive(newRig(t, nil).Server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- live.Serve(ctx, l) }()
	try := func(scheme string) error {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get(scheme + "://" + l.Addr().String() + "/nowhere")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	}
	if err := try("http"); err != nil {
		t.Errorf("plain HTTP: %v", err)
	}
	<-live.Swap(secure.Server)
	if err := try("https"); err != nil {
		t.Errorf("HTTPS after the change: %v", err)
	}
	if err := try("http"); err == nil {
		t.Error("plain HTTP is still served after the change")
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestLiveSwapsUnderLoad: every request is answered once, by one or the other.
func TestLiveSwapsUnderLoad(t *testing.T) {
	t.Parallel()
	live := server.NewLive(newRig(t, nil).Server)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				w := httptest.NewRecorder()
				live.ServeHTTP(w, get(t))
				if w.Code != http.StatusOK {
					t.Errorf("a request is answered %d, want 200", w.Code)
				}
			}
		})
	}
	for range 50 {
		<-live.Swap(newRig(t, nil).Server)
	}
	wg.Wait()
}
