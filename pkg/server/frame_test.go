package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// loopback is where the trusted proxy of tests stands.
func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// fromProxy makes a request come from the trusted proxy, with an id.
func fromProxy(id string) func(*http.Request, url.Values) {
	return func(r *http.Request, _ url.Values) {
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header.Set("X-Request-Id", id)
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	good := []string{"a", "A-z_0.9", strings.Repeat("x", 64)}
	bad := []string{"", strings.Repeat("x", 65), "a b", "a\nb", "a;b", "é", `"`}
	trusting := func(o *server.Options, _ *granter) { o.TrustedProxies = loopback() }
	for _, id := range append(slices.Clone(good), bad...) {
		r := newRig(t, trusting)
		w := r.do(get(t, fromProxy(id)))
		got := w.Header().Get("X-Request-Id")
		if keep := slices.Contains(good, id); keep != (got == id) || got == "" {
			t.Errorf("id %q from the proxy: answered %q", id, got)
		}
		if asked := r.granter.requests()[0]; asked.ID != got || r.line(t)["request_id"] != got {
			t.Errorf("id %q asked with, logged %v, want %q", asked.ID, r.line(t)["request_id"], got)
		}
	}
	r := newRig(t, nil)
	one, two := r.do(get(t, fromProxy("mine"))), r.do(get(t, fromProxy("mine")))
	if a, b := one.Header().Get("X-Request-Id"), two.Header().Get("X-Request-Id"); a == "mine" || a == b || len(a) != 24 {
		t.Errorf("ids %q and %q of an untrusted peer", a, b)
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *server.Options, _ *granter) { o.TrustedProxies = loopback() })
	wantReply(t, r.do(get(t, fromProxy("x"))))
	want := netip.MustParseAddr("198.51.100.7")
	asked := r.granter.requests()[0]
	if asked.Client != want || asked.Credentials.Client != want || r.line(t)["client"] != want.String() {
		t.Errorf("client = %v, credentials' %v, logged %v, want %v", asked.Client, asked.Credentials.Client, r.line(t)["client"], want)
	}
}

func TestLogLineOfAGrant(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	req := get(t, with("client_id", "docker"), with("scope", "repository:b:*", "repository:a:pull thing:x:pull"), path("/auth/token/"))
	req.Header.Set("User-Agent", "docker/28.2.2"+strings.Repeat("x", 500))
	wantReply(t, r.do(req))
	line := r.line(t)
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "path": "/auth/token/", "status": 200.0, "client": "192.0.2.1",
		"service": service, "grant": "basic", "result": "partial", "account": "alice@corp", "client_id": "docker",
		"asked": "repository:a:pull repository:b:*", "granted": "repository:a:pull repository:b:delete,pull,push",
		"dropped": "thing:x:pull=unknown_type", "token_id": "token-1",
	}
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s = %v, want %v", key, line[key], value)
		}
	}
	if agent, _ := line["user_agent"].(string); len(agent) != 256 {
		t.Errorf("user agent of %d bytes, want 256", len(agent))
	}
	for _, key := range []string{"account_hash", "error", "reason", "stack"} {
		if line[key] != nil {
			t.Errorf("%s = %v, want none", key, line[key])
		}
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		err        error
		edit       func(*http.Request, url.Values)
	}{
		{"a bad name", "WARN", nil, with("scope", "repository:../x:pull")},
		{"an unknown type", "INFO", nil, with("scope", "thing:x:pull")},
		{"a wrong password", "INFO", nil, basic("alice:wrong")},
		{"throttled", "INFO", identity.ErrThrottled, nil},
		{"unavailable", "WARN", identity.ErrUnavailable, nil},
		{"our fault", "ERROR", errors.New("x"), nil},
		{"unknown path", "INFO", nil, path("/x")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(_ *server.Options, g *granter) {
				if tt.err != nil {
					g.grant = failing(tt.err)
				}
			})
			var edits []func(*http.Request, url.Values)
			if tt.edit != nil {
				edits = append(edits, tt.edit)
			}
			r.do(get(t, edits...))
			if line := r.line(t); line["level"] != tt.want {
				t.Errorf("level = %v, want %s: %v", line["level"], tt.want, line)
			}
		})
	}
}

func TestAccountIsHashedUntilItsEntryIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, name := range []string{"Mallory", "mallory", "trudy"} {
		r.do(get(t, basic(name+":wrong")))
	}
	lines := r.lines(t)
	first, _ := lines[0]["account_hash"].(string)
	if len(first) != 16 || lines[1]["account_hash"] != first || lines[2]["account_hash"] == first {
		t.Errorf("hashes %v %v %v, want the first two alike", first, lines[1]["account_hash"], lines[2]["account_hash"])
	}
	other := newRig(t, nil)
	other.do(get(t, basic("mallory:wrong")))
	if other.line(t)["account_hash"] == first {
		t.Error("two processes hash alike")
	}
	for _, name := range []string{"Mallory", "mallory", "trudy"} {
		if strings.Contains(r.log.String(), name) {
			t.Errorf("log names %q", name)
		}
	}
	retry := newRig(t, func(_ *server.Options, g *granter) {
		g.grant = failing(&identity.RetryError{Err: identity.ErrThrottled, Name: "alice", ID: "1", Source: "corp"})
	})
	retry.do(get(t))
	if line := retry.line(t); line["account"] != "alice@corp" || line["account_hash"] != nil {
		t.Errorf("log line %v, want the account", line)
	}
}

// TestP72_NothingSecretIsLogged sends secrets in every place and looks for them in the log at its lowest level.
func TestP72_NothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-\u00e9\"secret"
	quotes := fmt.Errorf("search user %q with %s: %w", secret, secret, identity.ErrUnavailable)
	var broken func()
	for name, grant := range map[string]func(*granter){
		"granted":   func(*granter) {},
		"refused":   func(g *granter) { g.grant = failing(identity.ErrInvalidCredentials) },
		"quoting":   func(g *granter) { g.grant = failing(quotes) },
		"our fault": func(g *granter) { g.grant = failing(fmt.Errorf("user %q", secret)) },
		"diagnostic": func(g *granter) {
			g.grant = failing(&identity.AccountError{Reason: identity.ReasonRefused, Detail: "no such " + secret})
		},
		"panic": func(g *granter) {
			g.grant = func(context.Context, authority.Request) (authority.Grant, error) {
				broken()
				return authority.Grant{}, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(_ *server.Options, g *granter) { grant(g) })
			inQuery := func(_ *http.Request, q url.Values) { q.Set("password", secret); q.Set("username", secret) }
			requests := []*http.Request{
				get(t, basic("alice:"+secret), inQuery), get(t, basic(secret+":"+secret)), get(t, basic(secret+":")),
				get(t, basic(secret)), get(t, header("Authorization", "Bearer "+secret)), get(t, with("account", secret), basic("alice:"+secret)),
				get(t, basic("a\x00"+secret+":x")), post(t, with("password", secret)), post(t, with("username", secret)),
				post(t, with("refresh_token", secret), with("grant_type", "refresh_token")),
				post(t, header("Content-Type", "text/plain"), with("password", secret)),
				get(t, path("/other"), inQuery, basic("alice:"+secret)), get(t, method("PUT"), inQuery, basic("alice:"+secret)),
			}
			for _, req := range requests {
				req.Header.Set("Cookie", secret)
				r.do(req)
			}
			for _, leak := range []string{"hunter2", jwt, password, "aHVudGVy", "service="} {
				if strings.Contains(r.log.String(), leak) {
					t.Errorf("log holds %q:\n%s", leak, r.log)
				}
			}
			if got := len(r.lines(t)); got != len(requests) {
				t.Errorf("%d lines for %d requests", got, len(requests))
			}
		})
	}
}

func TestLogOfManyScopesIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var scopes []string
	for i := range 120 {
		scopes = append(scopes, fmt.Sprintf("repository:team/app%03d:pull repository:BAD%03d:pull", i, i))
	}
	wantReply(t, r.do(get(t, with("scope", scopes...))))
	line := r.line(t)
	for _, key := range []string{"asked", "granted", "dropped"} {
		if text, _ := line[key].(string); !strings.HasSuffix(text, " and 100 more") || len(text) > 1000 {
			t.Errorf("%s = %q, want it bounded", key, text)
		}
	}
}

// TestP61_LargeTokensAreLogged: what not every proxy lets through is in the log.
func TestP61_LargeTokensAreLogged(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]any{7680: nil, 7681: 7681.0} {
		r := newRig(t, func(_ *server.Options, g *granter) {
			g.grant = func(ctx context.Context, q authority.Request) (authority.Grant, error) {
				grant, err := grantAll(ctx, q)
				grant.Token = identity.NewSecret(strings.Repeat("x", size))
				return grant, err
			}
		})
		wantReply(t, r.do(get(t)))
		if got := r.line(t)["token_bytes"]; got != want {
			t.Errorf("token of %d bytes: token_bytes = %v, want %v", size, got, want)
		}
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, scope string
		want        server.Result
	}{
		{"all", "repository:a:pull", server.ResultGranted},
		{"some actions", "repository:a:pull,push", server.ResultPartial},
		{"some scopes", "repository:a:pull repository:b:push", server.ResultPartial},
		{"none", "repository:a:push", server.ResultEmpty},
		{"star", "repository:a:*", server.ResultGranted},
		{"star for nothing", "repository:secret:*", server.ResultEmpty},
		{"only dropped", "repository:A:pull", server.ResultEmpty},
		{"login", "", server.ResultGranted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(_ *server.Options, g *granter) { g.grant = grantPull })
			wantReply(t, r.do(get(t, with("scope", tt.scope))))
			if f := r.one(t); f.Result != tt.want {
				t.Errorf("result = %s, want %s", f.Result, tt.want)
			}
		})
	}
	if got := server.Results(); len(got) != 9 {
		t.Errorf("Results() = %v", got)
	}
}

func TestWithoutObserverAndLog(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Options{Granter: &granter{grant: grantAll}, Logger: newLogger()})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, get(t))
	wantReply(t, w)
}
