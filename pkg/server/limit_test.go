package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// gated lets each request through its gate, one word at a time.
func gated(entered chan<- string, leave <-chan struct{}) func(context.Context, authority.Request) (authority.Grant, error) {
	return func(ctx context.Context, r authority.Request) (authority.Grant, error) {
		entered <- r.ID
		<-leave
		return grantAll(ctx, r)
	}
}

func TestQueueIsBoundedAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 10), make(chan struct{})
		r := newRig(t, func(o *server.Options, g *granter) {
			o.Concurrency, o.Queue, o.TrustedProxies = 1, 2, loopback()
			g.grant = gated(entered, leave)
		})
		answers := make(chan *httptest.ResponseRecorder, 10)
		for _, id := range []string{"first", "second", "third"} {
			go func() { answers <- r.do(get(t, fromProxy(id))) }()
			synctest.Wait()
		}
		w := r.do(get(t, fromProxy("fourth")))
		wantFault(t, w, http.StatusServiceUnavailable, "UNAVAILABLE", "")
		wantHeader(t, w, "Retry-After", "5")
		if f := r.one(t); f.Result != server.ResultBusy {
			t.Errorf("observed %+v, want busy", f)
		}
		for _, want := range []string{"first", "second", "third"} {
			if got := <-entered; got != want {
				t.Errorf("turn of %s, want %s", got, want)
			}
			leave <- struct{}{}
			wantReply(t, <-answers)
		}
	})
}

func TestWaitingCountsInTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 1), make(chan struct{})
		var queued []time.Duration
		r := newRig(t, func(o *server.Options, g *granter) {
			o.Concurrency, o.RequestTimeout = 1, 3*time.Second
			o.Observer.Queued = func(d time.Duration) { queued = append(queued, d) }
			g.grant = gated(entered, leave)
		})
		answer := make(chan *httptest.ResponseRecorder)
		go func() { answer <- r.do(get(t)) }()
		<-entered
		start := time.Now()
		wantFault(t, r.do(get(t)), http.StatusServiceUnavailable, "UNAVAILABLE", "")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("answered after %v, want 3s", took)
		}
		if len(queued) != 1 || queued[0] != 3*time.Second {
			t.Errorf("observed waits %v, want one of 3s", queued)
		}
		close(leave)
		wantReply(t, <-answer)
	})
}

func TestNoQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 1), make(chan struct{})
		r := newRig(t, func(o *server.Options, g *granter) {
			o.Concurrency, o.Queue = 1, -1
			g.grant = gated(entered, leave)
		})
		answer := make(chan *httptest.ResponseRecorder)
		go func() { answer <- r.do(get(t)) }()
		<-entered
		wantFault(t, r.do(get(t)), http.StatusServiceUnavailable, "UNAVAILABLE", "")
		close(leave)
		wantReply(t, <-answer)
		wantReply(t, r.do(get(t)))
	})
}

func TestMalformedRequestsTakeNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan string, 1), make(chan struct{})
		r := newRig(t, func(o *server.Options, g *granter) {
			o.Concurrency, o.Queue = 1, -1
			g.grant = gated(entered, leave)
		})
		answer := make(chan *httptest.ResponseRecorder)
		go func() { answer <- r.do(get(t)) }()
		<-entered
		wantFault(t, r.do(get(t, with("service"))), http.StatusBadRequest, "UNSUPPORTED", "")
		close(leave)
		<-answer
	})
}
