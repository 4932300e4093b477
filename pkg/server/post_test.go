package server_test

import (
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/server"
)

func TestP03_PostReplyHoldsScope(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	got := wantReply(t, r.do(post(t, with("scope", "repository:b:pull repository:a:push,pull"))))
	if got.AccessToken != jwt || got.Token != jwt || *got.ExpiresIn != 300 {
		t.Errorf("reply = %+v", got)
	}
	if want := "repository:a:pull,push repository:b:pull"; got.Scope == nil || *got.Scope != want {
		t.Errorf("scope = %v, want %q", got.Scope, want)
	}
	none := wantReply(t, r.do(post(t, with("scope"))))
	if none.Scope == nil || *none.Scope != "" {
		t.Errorf("scope of a plain login = %v, want it empty", none.Scope)
	}
}

func TestP04_ContentTypes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, good := range []string{
		"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8",
		"application/x-www-form-urlencoded;charset=UTF-8", "Application/X-WWW-Form-URLencoded",
	} {
		wantReply(t, r.do(post(t, header("Content-Type", good))))
	}
	for _, bad := range []string{
		"application/json", "multipart/form-data; boundary=x", "text/plain", "application/x-www-form-urlencoded; charset=latin1",
		"application/x-www-form-urlencodedx", ";",
	} {
		wantFault(t, r.do(post(t, header("Content-Type", bad))), http.StatusUnsupportedMediaType, "UNSUPPORTED", "invalid_request")
	}
	wantFault(t, r.do(post(t, header("Content-Type"))), http.StatusUnsupportedMediaType, "UNSUPPORTED", "invalid_request")
}

func TestP05_PostReadsOnlyTheBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	inQuery := func(req *http.Request, _ url.Values) {
		req.URL.RawQuery = url.Values{"username": {"alice"}, "password": {"query-secret"}, "grant_type": {"password"}}.Encode()
	}
	wantFault(t, r.do(post(t, inQuery, with("password"))), http.StatusBadRequest, "UNSUPPORTED", "invalid_request")
	wantFault(t, r.do(post(t, inQuery, with("grant_type"))), http.StatusBadRequest, "UNSUPPORTED", "invalid_request")
	if n := len(r.granter.requests()); n != 0 {
		t.Errorf("%d requests reached the granter", n)
	}
	inHeader := func(req *http.Request, _ url.Values) { req.SetBasicAuth("mallory", "header-secret") }
	wantReply(t, r.do(post(t, inQuery, inHeader)))
	if got := r.granter.requests()[0].Credentials; got.Username != "alice" || got.Password.Reveal() != password {
		t.Errorf("user name = %q, want that of the body", got.Username)
	}
	for _, secret := range []string{"query-secret", "header-secret", "username="} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("log holds %q", secret)
		}
	}
}

func TestP06_RepeatedAndJoinedScopeAreTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantReply(t, r.do(post(t, with("scope", "repository:a:pull", "repository:b:pull,push"))))
	wantReply(t, r.do(post(t, with("scope", "repository:b:push,pull repository:a:pull"))))
	asked := r.granter.requests()
	if !reflect.DeepEqual(asked[0].Scopes, asked[1].Scopes) || len(asked[0].Scopes) != 2 {
		t.Errorf("asked %v and %v, want the same", asked[0].Scopes, asked[1].Scopes)
	}
}

func TestP07_GrantTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, oauth string
		edit        func(*http.Request, url.Values)
	}{
		{"missing", "invalid_request", with("grant_type")},
		{"empty", "invalid_request", with("grant_type", "")},
		{"unknown", "unsupported_grant_type", with("grant_type", "client_credentials")},
		{"twice", "invalid_request", with("grant_type", "password", "refresh_token")},
		{"no user name", "invalid_request", with("username")},
		{"no password", "invalid_request", with("password")},
		{"two passwords", "invalid_request", with("password", password, "other")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			wantFault(t, r.do(post(t, tt.edit)), http.StatusBadRequest, "UNSUPPORTED", tt.oauth)
			if len(r.granter.requests()) != 0 {
				t.Error("the granter was asked")
			}
			if f := r.one(t); f.Grant != authority.GrantPassword || f.Result != server.ResultError {
				t.Errorf("observed %+v", f)
			}
		})
	}
}

func TestP08_PostSwitchedOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *server.Options, _ *granter) { o.DisablePost = true })
	wantFault(t, r.do(post(t)), http.StatusNotFound, "UNSUPPORTED", "invalid_request")
	wantReply(t, r.do(get(t)))
	w := r.do(get(t, method("PUT")))
	wantFault(t, w, http.StatusMethodNotAllowed, "UNSUPPORTED", "")
	wantHeader(t, w, "Allow", "GET")
}

func TestP18_WrongPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	const challenge = `Basic realm="wharfgate", charset="UTF-8"`
	w := r.do(get(t, basic("alice:wrong")))
	byGet := wantFault(t, w, http.StatusUnauthorized, "UNAUTHORIZED", "")
	wantHeader(t, w, "WWW-Authenticate", challenge)
	w = r.do(post(t, with("password", "wrong")))
	byPost := wantFault(t, w, http.StatusUnauthorized, "UNAUTHORIZED", "invalid_grant")
	wantHeader(t, w, "WWW-Authenticate", challenge)
	if byGet.Details != byPost.Details {
		t.Errorf("texts %q and %q, want one", byGet.Details, byPost.Details)
	}
	for i, f := range r.finished {
		want := []authority.GrantType{authority.GrantBasic, authority.GrantPassword}[i]
		if f.Result != server.ResultUnauthenticated || f.Grant != want {
			t.Errorf("observed %+v, want %s", f, want)
		}
	}
}

func TestP23_BodyOverTheLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantFault(t, r.do(post(t, with("x", strings.Repeat("y", 64<<10)))), http.StatusRequestEntityTooLarge, "UNSUPPORTED", "invalid_request")
	chunked := post(t, with("x", strings.Repeat("y", 64<<10)))
	chunked.ContentLength = -1
	wantFault(t, r.do(chunked), http.StatusRequestEntityTooLarge, "UNSUPPORTED", "invalid_request")
	wantReply(t, r.do(post(t, with("x", strings.Repeat("y", 32<<10)))))
}

func TestUnreadableBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	req := post(t)
	req.Body = http.NoBody
	wantFault(t, r.do(req), http.StatusBadRequest, "UNSUPPORTED", "invalid_request")
	req = post(t)
	req.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	wantFault(t, r.do(req), http.StatusBadRequest, "UNSUPPORTED", "invalid_request")
}
