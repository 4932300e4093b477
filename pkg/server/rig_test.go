package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/server"
)

const (
	service  = "registry.example"
	password = "Tr0ub4dor&3 secret"
	jwt      = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"
)

// granter is a Granter with a func, which notes what it was asked.
type granter struct {
	grant func(ctx context.Context, r authority.Request) (authority.Grant, error)

	mu    sync.Mutex
	asked []authority.Request
}

// Grant implements server.Granter.
func (g *granter) Grant(ctx context.Context, r authority.Request) (authority.Grant, error) {
	g.mu.Lock()
	g.asked = append(g.asked, r)
	g.mu.Unlock()
	return g.grant(ctx, r)
}

// requests lists what was asked.
func (g *granter) requests() []authority.Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// alice is the account that the happy path knows.
func alice() identity.Principal {
	return identity.Principal{Kind: identity.Person, Source: "corp", ID: "id-1", Name: "alice"}
}

// grantAll is a small authority: it knows one service and alice, and gives all that is asked.
func grantAll(_ context.Context, r authority.Request) (authority.Grant, error) {
	if r.Service != service {
		return authority.Grant{}, authority.ErrUnknownService
	}
	g := authority.Grant{
		Token: identity.NewSecret(jwt), TokenID: "token-1", ExpiresIn: 5 * time.Minute,
		IssuedAt: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), PolicyRevision: "r1",
	}
	if c := r.Credentials; c != nil {
		if c.Username != "alice" || c.Password.Reveal() != password {
			return authority.Grant{}, &identity.AccountError{Reason: identity.ReasonWrongPassword, Source: "corp"}
		}
		g.Principal = alice()
	}
	for _, s := range r.Scopes {
		granted := s.Actions &^ registry.Wildcard
		if s.Actions.Has(registry.Wildcard) {
			granted |= registry.RepositoryActions
		}
		g.Granted = append(g.Granted, registry.Scope{Type: s.Type, Name: s.Name, Actions: granted})
		g.Decisions = append(g.Decisions, policy.Decision{Scope: s, Granted: granted})
	}
	return g, nil
}

// failing answers every request with an error.
func failing(err error) func(context.Context, authority.Request) (authority.Grant, error) {
	return func(context.Context, authority.Request) (authority.Grant, error) { return authority.Grant{}, err }
}

// rig is a Server with everything around it that a test looks at.
type rig struct {
	*server.Server
	granter *granter
	log     *bytes.Buffer

	mu       sync.Mutex
	finished []server.Finished
	inFlight []int
}

// newRig makes a rig on the happy path; edit changes what a case is about.
func newRig(t testing.TB, edit func(*server.Options, *granter)) *rig {
	t.Helper()
	r := &rig{granter: &granter{grant: grantAll}, log: &bytes.Buffer{}}
	o := server.Options{
		Granter:  r.granter,
		Logger:   slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Services: []string{service},
		Observer: server.Observer{
			Finished: func(f server.Finished) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.finished = append(r.finished, f)
			},
			InFlight: func(n int) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.inFlight = append(r.inFlight, n)
			},
		},
	}
	if edit != nil {
		edit(&o, r.granter)
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	r.Server = s
	return r
}

// lines reads the log.
func (r *rig) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(r.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, m)
	}
	return lines
}

// line reads the log, which must be one line.
func (r *rig) line(t *testing.T) map[string]any {
	t.Helper()
	lines := r.lines(t)
	if len(lines) != 1 {
		t.Fatalf("log has %d lines, want 1:\n%s", len(lines), r.log)
	}
	return lines[0]
}

// one gives the only observation.
func (r *rig) one(t *testing.T) server.Finished {
	t.Helper()
	if len(r.finished) != 1 {
		t.Fatalf("observed %v, want one", r.finished)
	}
	return r.finished[0]
}

// do sends a request.
func (r *rig) do(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// get makes a GET of the token endpoint on the happy path: right credentials, one scope. An edit changes it.
func get(t testing.TB, edits ...func(*http.Request, url.Values)) *http.Request {
	t.Helper()
	q := url.Values{"service": {service}, "scope": {"repository:team/app:pull"}}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/token", nil)
	req.SetBasicAuth("alice", password)
	for _, edit := range edits {
		edit(req, q)
	}
	req.URL.RawQuery = q.Encode()
	return req
}

// post makes a POST of the token endpoint on the happy path.
func post(t testing.TB, edits ...func(*http.Request, url.Values)) *http.Request {
	t.Helper()
	q := url.Values{
		"grant_type": {"password"}, "username": {"alice"}, "password": {password}, "service": {service},
		"scope": {"repository:team/app:pull"}, "client_id": {"containerd-client"},
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", nil)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, edit := range edits {
		edit(req, q)
	}
	body := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(q.Encode()))
	req.Body, req.ContentLength = body.Body, body.ContentLength
	return req
}

// with sets a parameter to values, or takes it away.
func with(name string, values ...string) func(*http.Request, url.Values) {
	return func(_ *http.Request, q url.Values) {
		delete(q, name)
		if len(values) > 0 {
			q[name] = values
		}
	}
}

// header sets a header to values, or takes it away.
func header(name string, values ...string) func(*http.Request, url.Values) {
	return func(r *http.Request, _ url.Values) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// basic sets the credentials of a GET.
func basic(userColonPassword string) func(*http.Request, url.Values) {
	return header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(userColonPassword)))
}

// path sets the path.
func path(p string) func(*http.Request, url.Values) {
	return func(r *http.Request, _ url.Values) { r.URL.Path = p }
}

// method sets the method.
func method(m string) func(*http.Request, url.Values) {
	return func(r *http.Request, _ url.Values) { r.Method = m }
}

// reply is the body of a successful answer.
type reply struct {
	Token        string  `json:"token"`
	AccessToken  string  `json:"access_token"`
	ExpiresIn    *int    `json:"expires_in"`
	IssuedAt     *string `json:"issued_at"`
	Scope        *string `json:"scope"`
	RefreshToken *string `json:"refresh_token"`
}

// wantReply reads a successful answer.
func wantReply(t *testing.T, w *httptest.ResponseRecorder) reply {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status = %d, want 200: %s", w.Code, w.Body)
	}
	var got reply
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	return got
}

// fault is the body of an error.
type fault struct {
	Errors []struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Detail  *string `json:"detail"`
	} `json:"errors"`
	Details     string  `json:"details"`
	Error       *string `json:"error"`
	Description *string `json:"error_description"`
}

// wantFault reads an error and checks its form; on POST it must hold the OAuth error as well.
func wantFault(t *testing.T, w *httptest.ResponseRecorder, status int, code, oauth string) fault {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status = %d, want %d: %s", w.Code, status, w.Body)
	}
	var got fault
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if len(got.Errors) != 1 || got.Errors[0].Code != code || got.Errors[0].Detail != nil {
		t.Fatalf("body %s, want one entry with code %s", w.Body, code)
	}
	message := got.Errors[0].Message
	if message == "" || got.Details != message {
		t.Errorf("message %q and details %q, want the same text", message, got.Details)
	}
	switch {
	case oauth == "" && (got.Error != nil || got.Description != nil):
		t.Errorf("body %s, want no OAuth error", w.Body)
	case oauth != "" && (got.Error == nil || *got.Error != oauth || got.Description == nil || *got.Description != message):
		t.Errorf("body %s, want error=%s and its description", w.Body, oauth)
	}
	wantHeader(t, w, "Content-Type", "application/json")
	wantHeader(t, w, "Cache-Control", "no-store")
	wantHeader(t, w, "Pragma", "no-cache")
	return got
}

// wantHeader checks a header.
func wantHeader(t *testing.T, w *httptest.ResponseRecorder, name, want string) {
	t.Helper()
	if got := w.Header().Get(name); got != want {
		t.Errorf("header %s = %q, want %q", name, got, want)
	}
}

// lasting grants tokens of a given life.
func lasting(life time.Duration) func(context.Context, authority.Request) (authority.Grant, error) {
	return func(ctx context.Context, r authority.Request) (authority.Grant, error) {
		g, err := grantAll(ctx, r)
		g.ExpiresIn = life
		return g, err
	}
}

// newLogger makes a logger that nobody reads.
func newLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// grantPull gives pull, and nothing at all on the repository "secret".
func grantPull(ctx context.Context, r authority.Request) (authority.Grant, error) {
	g, err := grantAll(ctx, r)
	g.Granted = nil
	for i, d := range g.Decisions {
		granted := d.Granted & registry.Pull
		if d.Scope.Name == "secret" {
			granted = 0
		}
		g.Decisions[i].Granted = granted
		if granted != 0 {
			g.Granted = append(g.Granted, registry.Scope{Type: d.Scope.Type, Name: d.Scope.Name, Actions: granted})
		}
	}
	return g, err
}

// after grants what is asked after a while, if the request has the time.
func after(d time.Duration) func(context.Context, authority.Request) (authority.Grant, error) {
	return func(ctx context.Context, r authority.Request) (authority.Grant, error) {
		select {
		case <-time.After(d):
			return grantAll(ctx, r)
		case <-ctx.Done():
			return authority.Grant{}, ctx.Err()
		}
	}
}
