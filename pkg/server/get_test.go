package server_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/server"
)

func TestP01_LoginWithoutScopeIsGranted(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantReply(t, r.do(get(t, with("scope"), with("offline_token", "true"), with("client_id", "docker"))))
	asked := r.granter.requests()
	if len(asked) != 1 || len(asked[0].Scopes) != 0 || asked[0].Grant != authority.GrantBasic || asked[0].ClientID != "docker" {
		t.Errorf("asked %+v, want a plain login", asked)
	}
	if f := r.one(t); f.Result != server.ResultGranted || f.Service != service || f.Method != http.MethodGet || f.Code != http.StatusOK {
		t.Errorf("observed %+v, want a grant", f)
	}
}

func TestP02_GetReplyHoldsBothTokens(t *testing.T) {
	t.Parallel()
	w := newRig(t, nil).do(get(t))
	got := wantReply(t, w)
	if got.Token != jwt || got.AccessToken != jwt {
		t.Errorf("token = %q, access_token = %q, want both %q", got.Token, got.AccessToken, jwt)
	}
	if got.ExpiresIn == nil || *got.ExpiresIn != 300 {
		t.Errorf("body %s, want expires_in 300", w.Body)
	}
	if got.Scope != nil {
		t.Errorf("body %s, want no scope on GET", w.Body)
	}
	wantHeader(t, w, "Content-Type", "application/json")
	wantHeader(t, w, "Cache-Control", "no-store")
	wantHeader(t, w, "Pragma", "no-cache")
	wantHeader(t, w, "Content-Length", strconv.Itoa(w.Body.Len()))
}

func TestP10_OtherMethodsAndPaths(t *testing.T) {
	t.Parallel()
	for _, m := range []string{"PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "get"} {
		r := newRig(t, nil)
		w := r.do(get(t, method(m)))
		wantFault(t, w, http.StatusMethodNotAllowed, "UNSUPPORTED", "")
		wantHeader(t, w, "Allow", "GET, POST")
		if f := r.one(t); f.Method != "other" || f.Code != 405 || f.Result != "" {
			t.Errorf("%s: observed %+v", m, f)
		}
	}
	for _, p := range []string{"/", "/v2/", "/tokens", "/token/x", "//token", "/token//", "/auth", "/./token", "/auth/../token", "", "*"} {
		r := newRig(t, nil)
		w := r.do(get(t, path(p)))
		wantFault(t, w, http.StatusNotFound, "UNSUPPORTED", "")
		wantFault(t, r.do(post(t, path(p))), http.StatusNotFound, "UNSUPPORTED", "invalid_request")
		if len(r.granter.requests()) != 0 {
			t.Errorf("path %q reached the granter", p)
		}
	}
}

func TestP11_PathsAnswerAlikeWithoutRedirect(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, p := range []string{"/token", "/token/", "/auth/token", "/auth/token/"} {
		for _, req := range []*http.Request{get(t, path(p)), post(t, path(p))} {
			w := r.do(req)
			if got := wantReply(t, w); got.Token != jwt || w.Header().Get("Location") != "" {
				t.Errorf("%s %s = %v", req.Method, p, w)
			}
		}
	}
}

func TestP12_ServiceIsNamedInTheFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		values     []string
	}{
		{"missing", `missing parameter "service"`, nil},
		{"empty", `missing parameter "service"`, []string{""}},
		{"unknown", `unknown service "other.example"`, []string{"other.example"}},
		{"differing", `repeated parameter "service"`, []string{service, "other.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			for req, oauth := range map[*http.Request]string{
				get(t, with("service", tt.values...)):                                         "",
				get(t, with("service", tt.values...), with("scope"), header("Authorization")): "",
				post(t, with("service", tt.values...)):                                        "invalid_request",
			} {
				got := wantFault(t, r.do(req), http.StatusBadRequest, "UNSUPPORTED", oauth)
				if got.Details != tt.want {
					t.Errorf("message = %q, want %q", got.Details, tt.want)
				}
			}
			for _, f := range r.finished {
				if f.Service != server.UnknownService && len(tt.values) < 2 || f.Result != server.ResultError {
					t.Errorf("observed %+v", f)
				}
			}
		})
	}
	wantReply(t, newRig(t, nil).do(get(t, with("service", service, service))))
}

func TestP13_ServiceIsNeverReflectedRaw(t *testing.T) {
	t.Parallel()
	const nasty = "x\r\nSet-Cookie: a=b\"\\<script>\u2028\x00"
	r := newRig(t, nil)
	w := r.do(get(t, with("service", nasty+strings.Repeat("y", 5000))))
	wantFault(t, w, http.StatusBadRequest, "UNSUPPORTED", "")
	for _, raw := range []string{"\r", "<script>", "\u2028", "\x00"} {
		if strings.Contains(w.Body.String(), raw) {
			t.Errorf("body %q holds %q", w.Body, raw)
		}
		for name, values := range w.Header() {
			if strings.Contains(strings.Join(values, ""), raw) {
				t.Errorf("header %s = %q", name, values)
			}
		}
	}
	if w.Body.Len() > 1000 || r.log.Len() > 2000 || strings.Count(r.log.String(), "\n") != 1 {
		t.Errorf("body of %d bytes, log %q", w.Body.Len(), r.log)
	}
}

func TestP14_AccountDoesNotChangeTheSubject(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantReply(t, r.do(get(t, with("account", "mallory"))))
	if got := r.granter.requests()[0].Credentials.Username; got != "alice" {
		t.Errorf("user name = %q, want alice", got)
	}
	if line := r.line(t); line["account"] != "alice@corp" || line["account_differs"] != true {
		t.Errorf("log line %v, want the difference noted", line)
	}
	same := newRig(t, nil)
	wantReply(t, same.do(get(t, with("account", "alice"))))
	if line := same.line(t); line["account_differs"] != nil {
		t.Errorf("log line %v, want no difference", line)
	}
}

func TestP15_NoRefreshToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, req := range []*http.Request{get(t, with("offline_token", "true")), post(t, with("access_type", "offline"))} {
		if got := wantReply(t, r.do(req)); got.RefreshToken != nil {
			t.Errorf("%s: a refresh token is offered", req.Method)
		}
	}
}

func TestP16_GarbageInOfflineTokenIsIgnored(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantReply(t, r.do(get(t, with("offline_token", "garbage", "more"), with("x;y", ";"))))
	req := get(t)
	req.URL.RawQuery += "&offline_token&&=&;"
	wantReply(t, r.do(req))
}

func TestBrokenPercentEncodingIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, raw := range []string{"&scope=%zz", "&%=1", "&scope=%2"} {
		req := get(t)
		req.URL.RawQuery += raw
		wantFault(t, r.do(req), http.StatusBadRequest, "UNSUPPORTED", "")
	}
}

func TestP24_ExpiresInIsTheLifeOfTheToken(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]int{time.Minute: 60, 90*time.Second + 999*time.Millisecond: 90, time.Hour: 3600} {
		r := newRig(t, func(_ *server.Options, g *granter) { g.grant = lasting(life) })
		if got := wantReply(t, r.do(get(t))); *got.ExpiresIn != want {
			t.Errorf("expires_in of %v = %d, want %d", life, *got.ExpiresIn, want)
		}
	}
}

func TestP25_IssuedAtOnlyIfSwitchedOn(t *testing.T) {
	t.Parallel()
	if got := wantReply(t, newRig(t, nil).do(get(t))); got.IssuedAt != nil {
		t.Errorf("issued_at = %q, want none", *got.IssuedAt)
	}
	on := newRig(t, func(o *server.Options, _ *granter) { o.IssuedAt = server.SendIssuedAt })
	for _, req := range []*http.Request{get(t), post(t)} {
		if got := wantReply(t, on.do(req)); got.IssuedAt == nil || *got.IssuedAt != "2026-01-02T02:04:05Z" {
			t.Errorf("issued_at = %v, want it in UTC", got.IssuedAt)
		}
	}
}

func TestP26_SuccessIsExactly200(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, req := range []*http.Request{get(t), post(t), get(t, with("scope")), get(t, header("Authorization"))} {
		if w := r.do(req); w.Code != 200 {
			t.Errorf("status = %d, want 200", w.Code)
		}
	}
}

func TestP41_ScopesReachTheGranterMerged(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	values := []string{"repository:b:push,pull repository:a:pull", "", "repository:a:push"}
	wantReply(t, r.do(get(t, with("scope", values...))))
	want := []registry.Scope{
		{Type: "repository", Name: "a", Actions: registry.Pull | registry.Push},
		{Type: "repository", Name: "b", Actions: registry.Pull | registry.Push},
	}
	if got := r.granter.requests()[0].Scopes; !slices.Equal(got, want) {
		t.Errorf("scopes = %v, want %v", got, want)
	}
}

func TestP53_EmptyAndBadScopes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, raw := range []string{"scope=", "scope=%20", "scope=+&scope="} {
		req := get(t)
		req.URL.RawQuery = "service=" + service + "&" + raw
		wantReply(t, r.do(req))
		req.Header.Del("Authorization")
		wantFault(t, r.do(req), http.StatusUnauthorized, "UNAUTHORIZED", "")
	}
	for _, asked := range r.granter.requests() {
		if len(asked.Scopes) != 0 {
			t.Errorf("asked %v, want no scope", asked.Scopes)
		}
	}
	wantReply(t, r.do(get(t, with("scope", "thing:a:pull repository:a:fly repository:A:pull repository:team/app:pull"))))
	last := r.granter.requests()[len(r.granter.requests())-1]
	if len(last.Scopes) != 1 || last.Scopes[0].Name != "team/app" {
		t.Errorf("asked %v, want the good scope", last.Scopes)
	}
}

func TestP54_TooManyScopes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	many := strings.Repeat("repository:a:pull ", 257)
	got := wantFault(t, r.do(get(t, with("scope", many))), http.StatusBadRequest, "UNSUPPORTED", "")
	if got.Details != "scope: more than 256 elements" {
		t.Errorf("message = %q", got.Details)
	}
	wantFault(t, r.do(post(t, with("scope", many))), http.StatusBadRequest, "UNSUPPORTED", "invalid_request")
	wantFault(t, r.do(get(t, with("scope", "a\r\nb"))), http.StatusBadRequest, "UNSUPPORTED", "")
	few := newRig(t, func(o *server.Options, _ *granter) { o.Scopes = 1 })
	wantFault(t, few.do(get(t, with("scope", "repository:a:pull", "repository:b:pull"))), http.StatusBadRequest, "UNSUPPORTED", "")
}

func TestRealmIsChecked(t *testing.T) {
	t.Parallel()
	_, err := server.New(server.Options{Granter: &granter{}, Logger: newLogger(), Realm: "a\"b"})
	if err == nil {
		t.Error("New takes a realm with a quote")
	}
	if _, err := server.New(server.Options{}); err == nil {
		t.Error("New takes no Granter")
	}
	r := newRig(t, func(o *server.Options, _ *granter) { o.Realm = "Corp registry" })
	w := r.do(get(t, basic("alice:wrong")))
	wantHeader(t, w, "WWW-Authenticate", `Basic realm="Corp registry", charset="UTF-8"`)
	if w.Result().Header.Get("Www-Authenticate") == "" {
		t.Error("no challenge on the wire")
	}
}
