package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// outcome is a row of the table of errors.
type outcome struct {
	name   string
	err    error
	status int
	code   string
	oauth  string
	retry  string
	result server.Result
	reason string
}

// outcomes is the table of errors.
func outcomes() []outcome {
	invalid := identity.ErrInvalidCredentials
	return []outcome{
		{"wrong password", invalid, 401, "UNAUTHORIZED", "invalid_grant", "", server.ResultUnauthenticated, "invalid_credentials"},
		{
			"locked", &identity.AccountError{Reason: identity.ReasonLocked, Source: "corp", ID: "1", Name: "alice"},
			401, "UNAUTHORIZED", "invalid_grant", "", server.ResultUnauthenticated, "locked",
		},
		{
			"disabled", fmt.Errorf("x: %w", &identity.AccountError{Reason: identity.ReasonDisabled}),
			401, "UNAUTHORIZED", "invalid_grant", "", server.ResultUnauthenticated, "disabled",
		},
		{
			"throttled", identity.ErrThrottled,
			429, "TOOMANYREQUESTS", "temporarily_unavailable", "5", server.ResultThrottled, "throttled",
		},
		{
			"throttled for a while", &identity.RetryError{Err: identity.ErrThrottled, After: 90*time.Second + 1},
			429, "TOOMANYREQUESTS", "temporarily_unavailable", "91", server.ResultThrottled, "throttled",
		},
		{
			"down", identity.ErrUnavailable,
			503, "UNAVAILABLE", "temporarily_unavailable", "5", server.ResultUnavailable, "unavailable",
		},
		{
			"timeout", &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonTimeout, After: time.Millisecond},
			503, "UNAVAILABLE", "temporarily_unavailable", "1", server.ResultUnavailable, "timeout",
		},
		{
			"busy", &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonBusy, After: 2 * time.Second},
			503, "UNAVAILABLE", "temporarily_unavailable", "2", server.ResultBusy, "busy",
		},
		{
			"down is never a no", errors.Join(invalid, identity.ErrUnavailable),
			503, "UNAVAILABLE", "temporarily_unavailable", "5", server.ResultUnavailable, "unavailable",
		},
		{
			"deadline", context.DeadlineExceeded,
			503, "UNAVAILABLE", "temporarily_unavailable", "5", server.ResultUnavailable, "timeout",
		},
		{
			"hung up", context.Canceled,
			499, "UNAVAILABLE", "temporarily_unavailable", "5", server.ResultClientGone, "client_gone",
		},
		{
			"hung up on a directory", &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonClientGone},
			499, "UNAVAILABLE", "temporarily_unavailable", "5", server.ResultClientGone, "client_gone",
		},
		{
			"unknown service", authority.ErrUnknownService,
			400, "UNSUPPORTED", "invalid_request", "", server.ResultError, "unknown_service",
		},
		{"a fault of ours", errors.New("no key"), 500, "UNKNOWN", "server_error", "", server.ResultError, "internal"},
	}
}

func TestP09_P19_P39_TableOfErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range outcomes() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, req := range []*http.Request{get(t), post(t), get(t, header("Authorization"))} {
				r := newRig(t, func(_ *server.Options, g *granter) { g.grant = failing(tt.err) })
				oauth := ""
				if req.Method == http.MethodPost {
					oauth = tt.oauth
				}
				w := r.do(req)
				wantFault(t, w, tt.status, tt.code, oauth)
				wantHeader(t, w, "Retry-After", tt.retry)
				if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (tt.status == 401) {
					t.Errorf("challenge = %q with %d", challenge, tt.status)
				}
				if f := r.one(t); f.Result != tt.result || f.Code != tt.status || f.Service != service {
					t.Errorf("observed %+v, want %s", f, tt.result)
				}
				if line := r.line(t); line["reason"] != tt.reason || line["result"] != string(tt.result) {
					t.Errorf("log line %v, want reason %s", line, tt.reason)
				}
			}
		})
	}
}

func TestP17_EveryErrorHasOneForm(t *testing.T) {
	t.Parallel()
	registered := map[string]bool{"UNAUTHORIZED": true, "TOOMANYREQUESTS": true, "UNAVAILABLE": true, "UNSUPPORTED": true, "UNKNOWN": true}
	requests := map[string]*http.Request{
		"path": get(t, path("/x")), "method": get(t, method("PUT")), "service": get(t, with("service")),
		"scope": get(t, with("scope", "a\x00")), "header": get(t, header("Authorization", "Basic !")),
		"nobody": get(t, header("Authorization"), with("scope")), "password": get(t, basic("alice:wrong")),
		"type": post(t, header("Content-Type", "text/plain")), "size": post(t, with("x", strings.Repeat("x", 64<<10))),
		"grant": post(t, with("grant_type", "x")), "name": post(t, with("username", "nobody")),
	}
	check := func(name string, w *httptest.ResponseRecorder) {
		var body struct {
			Errors  []map[string]any
			Details string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code < 400 {
			t.Fatalf("%s = %d %q, %v", name, w.Code, w.Body, err)
		}
		if len(body.Errors) != 1 || len(body.Errors[0]) != 2 {
			t.Fatalf("%s: body %s, want one entry of code and message", name, w.Body)
		}
		code, _ := body.Errors[0]["code"].(string)
		message, _ := body.Errors[0]["message"].(string)
		if !registered[code] || len(message) < 8 || body.Details != message {
			t.Errorf("%s: code %q, message %q, details %q", name, code, message, body.Details)
		}
	}
	for name, req := range requests {
		check(name, newRig(t, nil).do(req))
	}
	for _, tt := range outcomes() {
		check(tt.name, newRig(t, func(_ *server.Options, g *granter) { g.grant = failing(tt.err) }).do(get(t)))
	}
}

func TestP39_RefusalsReadTheSame(t *testing.T) {
	t.Parallel()
	texts := make(map[string]bool)
	for _, reason := range identity.Reasons() {
		r := newRig(t, func(_ *server.Options, g *granter) {
			g.grant = failing(&identity.AccountError{Reason: reason, Source: "corp", ID: "id-1", Name: "alice", Detail: "data 775"})
		})
		w := r.do(get(t))
		texts[w.Body.String()+w.Header().Get("WWW-Authenticate")] = true
		if strings.Contains(w.Body.String(), "775") {
			t.Errorf("body %s shows the detail", w.Body)
		}
		if line := r.line(t); line["account"] != "alice@corp" || line["error"] != "data 775" || line["level"] != "INFO" {
			t.Errorf("log line %v, want account and detail", line)
		}
	}
	if len(texts) != 1 {
		t.Errorf("%d texts for refusals, want one: %v", len(texts), texts)
	}
}

func TestP27_InternalErrorNamesTheRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *server.Options, g *granter) { g.grant = failing(errors.New("dial 10.0.0.1: key lost")) })
	w := r.do(get(t))
	got := wantFault(t, w, http.StatusInternalServerError, "UNKNOWN", "")
	id := w.Header().Get("X-Request-Id")
	if got.Details != "internal error, request id "+id || id == "" {
		t.Errorf("message = %q, want the fixed text with id %q", got.Details, id)
	}
	if line := r.line(t); line["level"] != "ERROR" || line["error"] != "grant: dial 10.0.0.1: key lost" || line["request_id"] != id {
		t.Errorf("log line %v", line)
	}
}

func TestP27_PanicIsOneRequestsFault(t *testing.T) {
	t.Parallel()
	var broken func(context.Context, authority.Request) (authority.Grant, error)
	r := newRig(t, func(_ *server.Options, g *granter) { g.grant = broken })
	wantFault(t, r.do(get(t)), http.StatusInternalServerError, "UNKNOWN", "")
	line := r.line(t)
	if line["level"] != "ERROR" || !strings.Contains(line["stack"].(string), "pkg/server") {
		t.Errorf("log line %v, want an error with its stack", line)
	}
	if f := r.one(t); f.Code != 500 || f.Result != server.ResultError || f.Grant != authority.GrantBasic {
		t.Errorf("observed %+v", f)
	}
	if got := r.inFlight; len(got) != 2 || got[0] != 1 || got[1] != 0 {
		t.Errorf("in flight = %v, want 1, 0", got)
	}
	r.granter.grant = grantAll
	wantReply(t, r.do(get(t)))
}

func TestP21_HangingDirectoryIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *server.Options, g *granter) { g.grant = hang })
		start := time.Now()
		w := r.do(get(t))
		wantFault(t, w, http.StatusServiceUnavailable, "UNAVAILABLE", "")
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("answered after %v, want 5s", took)
		}
		if f := r.one(t); f.Duration != 5*time.Second || f.Result != server.ResultUnavailable {
			t.Errorf("observed %+v", f)
		}
	})
}

// hang answers when its time is over.
func hang(ctx context.Context, _ authority.Request) (authority.Grant, error) {
	<-ctx.Done()
	return authority.Grant{}, ctx.Err()
}
