package operator_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/operator"
)

// check is a check with a fixed outcome.
func check(name string, weight operator.Weight, err error) operator.Check {
	return operator.Check{Name: name, Weight: weight, Probe: func(context.Context) error { return err }}
}

// newHandler makes a handler whose metrics are a constant.
func newHandler(t *testing.T, checks ...operator.Check) *operator.Handler {
	t.Helper()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1\n") })
	h, err := operator.New(operator.Options{Metrics: metrics, Checks: checks})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return h
}

// do asks a handler.
func do(t *testing.T, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	down := errors.New("no server answers:\n\"dial\" \x1b[31mrefused")
	tests := []struct {
		name   string
		checks []operator.Check
		method string
		target string
		code   int
		body   string
	}{
		{"metrics", nil, "GET", "/metrics", 200, "up 1\n"},
		{"alive", []operator.Check{check("keys", operator.Required, down)}, "GET", "/healthz", 200, "ok\n"},
		{"ready without checks", nil, "GET", "/readyz", 200, "ready\n"},
		{"ready", []operator.Check{check("keys", operator.Required, nil)}, "GET", "/readyz", 200, "ready\n"},
		{"not ready", []operator.Check{check("keys", operator.Required, down)}, "GET", "/readyz", 503, "not ready\n"},
		{
			"a directory that is down leaves it ready",
			[]operator.Check{check("directory/corp", operator.Informational, down)},
			"GET", "/readyz", 200, "ready\n",
		},
		{
			"verbose",
			[]operator.Check{
				check("keys", operator.Required, nil), check("directory/corp", operator.Informational, down),
				check("policy", operator.Required, errors.New("none")),
			},
			"GET", "/readyz?verbose", 503,
			"keys ok\ndirectory/corp degraded: no server answers:\\n\"dial\" \\x1b[31mrefused\npolicy failed: none\nnot ready\n",
		},
		{"head", nil, "HEAD", "/readyz", 200, "ready\n"},
		{"unknown path", nil, "GET", "/", 404, "not found\n"},
		{"unknown path by POST", nil, "POST", "/x", 404, "not found\n"},
		{"read-only", nil, "POST", "/readyz", 405, "method not allowed\n"},
		{"metrics are read-only", nil, "DELETE", "/metrics", 405, "method not allowed\n"},
		{"no debugging", nil, "GET", "/debug/pprof/", 404, "not found\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := do(t, newHandler(t, tt.checks...), tt.method, tt.target)
			if w.Code != tt.code || w.Body.String() != tt.body {
				t.Errorf("%s %s = %d %q, want %d %q", tt.method, tt.target, w.Code, w.Body, tt.code, tt.body)
			}
			if allow := w.Header().Get("Allow"); (tt.code == 405) != (allow == "GET, HEAD") {
				t.Errorf("Allow = %q with %d", allow, tt.code)
			}
		})
	}
}

func TestPanickingCheckFails(t *testing.T) {
	t.Parallel()
	var broken func() error
	bad := operator.Check{Name: "bad", Probe: func(context.Context) error { return broken() }}
	if w := do(t, newHandler(t, bad), "GET", "/readyz?verbose"); w.Code != 503 || !strings.Contains(w.Body.String(), "bad failed: panic: ") {
		t.Errorf("readyz = %d %q, want 503 and the panic", w.Code, w.Body)
	}
}

func TestChecksHaveADeadline(t *testing.T) {
	t.Parallel()
	var has bool
	c := operator.Check{Name: "c", Probe: func(ctx context.Context) error {
		_, has = ctx.Deadline()
		return nil
	}}
	if do(t, newHandler(t, c), "GET", "/readyz"); !has {
		t.Error("a check has no deadline")
	}
}

func TestNoMetrics(t *testing.T) {
	t.Parallel()
	h, err := operator.New(operator.Options{})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if w := do(t, h, "GET", "/metrics"); w.Code != 404 {
		t.Errorf("metrics = %d, want 404", w.Code)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	ok := check("keys", operator.Required, nil)
	for name, checks := range map[string][]operator.Check{
		"no name":   {{Probe: ok.Probe}},
		"bad name":  {{Name: "a b", Probe: ok.Probe}},
		"no probe":  {{Name: "keys"}},
		"same name": {ok, ok},
	} {
		if _, err := operator.New(operator.Options{Checks: checks}); err == nil {
			t.Errorf("%s: New gives no error", name)
		}
	}
}

func TestServeDrains(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	var log bytes.Buffer
	slow := operator.Check{Name: "slow", Probe: func(context.Context) error {
		close(entered)
		<-leave
		return nil
	}}
	h, err := operator.New(operator.Options{Checks: []operator.Check{slow}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, answered := make(chan error, 1), make(chan string, 1)
	go func() { served <- h.Serve(ctx, l) }()
	go func() { answered <- body(l.Addr().String()) }()
	<-entered
	stop()
	close(leave)
	if got := <-answered; got != "ready\n" {
		t.Errorf("answer in flight = %q, want %q", got, "ready\n")
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// body asks an address for its readiness on a connection of its own.
func body(address string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func TestServeReportsItsListener(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := newHandler(t).Serve(t.Context(), l); err == nil {
		t.Error("Serve on a closed listener gives no error")
	}
}
