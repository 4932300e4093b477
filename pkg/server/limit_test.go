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

// TestClientGone: who hangs up leaves no trace of a failure, whether the request was worked on or waited.
func TestClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *server.Options, g *granter) {
			o.Concurrency = 1
			g.grant = after(2 * time.Second)
		})
		requests := []*http.Request{get(t), get(t)} // one is worked on, one waits
		ctx, hangUp := context.WithCancel(t.Context())
		done := make(chan *httptest.ResponseRecorder)
		for _, request := range requests {
			go func() { done <- r.do(request.WithContext(ctx)) }()
		}
		synctest.Wait()
		hangUp()
		for range requests {
			<-done
		}
		for _, f := range r.finished {
			if f.Result != server.ResultClientGone || f.Code != 499 {
				t.Errorf("observed %+v, want client_gone and 499", f)
			}
		}
		lines := r.lines(t)
		if len(lines) != 2 {
			t.Fatalf("%d log lines, want 2", len(lines))
		}
		for _, line := range lines {
			if line["level"] != "INFO" || line["reason"] != "client_gone" {
				t.Errorf("log %v, want info and client_gone", line)
			}
		}
	})
}

func TestDurationInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *server.Options, g *granter) { g.grant = after(1500 * time.Microsecond) })
		r.do(get(t))
		if line := r.lines(t)[0]; line["duration_ms"] != 1.5 {
			t.Errorf("duration_ms = %v, want 1.5", line["duration_ms"])
		}
	})
}
