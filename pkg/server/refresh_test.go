package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/server"
)

const refreshToken = "whgr_AbCdEf-123_456"

// refreshing is an authority that takes and gives one refresh token.
func refreshing(o *server.Options, g *granter) {
	o.RefreshServices = []string{service}
	g.grant = func(ctx context.Context, r authority.Request) (authority.Grant, error) {
		if !r.RefreshToken.IsEmpty() && r.RefreshToken.Reveal() != refreshToken {
			return authority.Grant{}, &identity.AccountError{Reason: identity.ReasonRefreshForged}
		}
		a, err := grantAll(ctx, r)
		if !r.RefreshToken.IsEmpty() {
			a.Principal = alice()
		}
		if !r.RefreshToken.IsEmpty() || r.Offline {
			a.RefreshToken, a.RefreshTokenID = identity.NewSecret(refreshToken), "id-of-it"
		}
		return a, err
	}
}

// refresh makes a POST with a refresh token.
func refresh(t *testing.T, token string, edits ...func(*http.Request, url.Values)) *http.Request {
	t.Helper()
	edits = append([]func(*http.Request, url.Values){
		with("username"), with("password"), with("grant_type", "refresh_token"), with("refresh_token", token),
	}, edits...)
	return post(t, edits...)
}

func TestP15_RefreshTokenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request *http.Request
		want    bool
	}{
		"GET":                           {get(t), false},
		"GET true":                      {get(t, with("offline_token", "true")), true},
		"GET 1":                         {get(t, with("offline_token", "1")), true},
		"GET false":                     {get(t, with("offline_token", "false")), false},
		"GET access_type":               {get(t, with("access_type", "offline")), false},
		"POST":                          {post(t), false},
		"POST offline":                  {post(t, with("access_type", "offline")), true},
		"POST online":                   {post(t, with("access_type", "online")), false},
		"POST offline_token":            {post(t, with("offline_token", "true")), false},
		"POST refresh":                  {refresh(t, refreshToken), true},
		"Basic without a name":          {get(t, basic(":"+refreshToken)), false},
		"Basic without a name, offline": {get(t, basic(":"+refreshToken), with("offline_token", "true")), true},
	}
	for name, c := range tests {
		r := newRig(t, refreshing)
		got := wantReply(t, r.do(c.request))
		switch {
		case c.want != (got.RefreshToken != nil):
			t.Errorf("%s: refresh token %v, want one %t", name, got.RefreshToken, c.want)
		case c.want && *got.RefreshToken != refreshToken:
			t.Errorf("%s: refresh token %q, want %q", name, *got.RefreshToken, refreshToken)
		}
		line := r.line(t)
		if strings.Contains(r.log.String(), refreshToken) {
			t.Errorf("%s: the log shows it: %v", name, line)
		}
	}
}

func TestP16_GarbageAsksForNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"garbage", "", "yes", "2", "TRUE "} {
		r := newRig(t, refreshing)
		if got := wantReply(t, r.do(get(t, with("offline_token", text)))); got.RefreshToken != nil {
			t.Errorf("offline_token=%q gives a refresh token", text)
		}
		if got := wantReply(t, r.do(post(t, with("access_type", text)))); got.RefreshToken != nil {
			t.Errorf("access_type=%q gives a refresh token", text)
		}
	}
}

// TestP29_RefreshTokenWithoutAName: what comes without a name is a refresh token, and never a password.
func TestP29_RefreshTokenWithoutAName(t *testing.T) {
	t.Parallel()
	r := newRig(t, refreshing)
	wantReply(t, r.do(get(t, basic(":"+refreshToken))))
	wantFault(t, r.do(get(t, basic(":"+password))), http.StatusUnauthorized, "UNAUTHORIZED", "")
	for _, asked := range r.granter.requests() {
		if asked.Credentials != nil || asked.RefreshToken.IsEmpty() || asked.Grant != authority.GrantRefresh {
			t.Errorf("asked %+v, want a refresh token and no credentials", asked)
		}
	}
	n := len(r.granter.requests())
	for req, oauth := range map[*http.Request]string{
		get(t, basic("alice:")):                                       "",
		get(t, basic(":"+strings.Repeat("a", 16<<10+1))):              "",
		post(t, with("username", ""), with("password", refreshToken)): "invalid_grant",
	} {
		wantFault(t, r.do(req), http.StatusUnauthorized, "UNAUTHORIZED", oauth)
	}
	if got := len(r.granter.requests()); got != n {
		t.Errorf("the granter was asked %d times more", got-n)
	}
}

// TestP79_OneAnswer: whatever is wrong with a refresh token, the answer is one.
func TestP79_OneAnswer(t *testing.T) {
	t.Parallel()
	var first string
	for _, reason := range append(identity.RefreshReasons(), identity.ReasonDisabled, identity.ReasonLocked, identity.ReasonNotFound) {
		r := newRig(t, func(o *server.Options, g *granter) {
			refreshing(o, g)
			g.grant = failing(&identity.AccountError{Reason: reason, Detail: "refresh token 01"})
		})
		w := r.do(refresh(t, refreshToken))
		wantFault(t, w, http.StatusUnauthorized, "UNAUTHORIZED", "invalid_grant")
		if first == "" {
			first = w.Body.String()
		}
		if w.Body.String() != first {
			t.Errorf("%s: the answer is %s, want %s", reason, w.Body, first)
		}
		if line := r.line(t); line["reason"] != string(reason) || line["grant"] != "refresh" || line["error"] != "refresh token 01" {
			t.Errorf("%s: log line %v", reason, line)
		}
	}
}

func TestRefreshIsNotHeldBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *server.Options, g *granter) {
		refreshing(o, g)
		o.RefusalTime = func() time.Duration { return time.Hour }
	})
	start := time.Now()
	wantFault(t, r.do(refresh(t, "forged")), http.StatusUnauthorized, "UNAUTHORIZED", "invalid_grant")
	if took := time.Since(start); took > 900*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestP07_RefreshGrant(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]*http.Request{
		"missing": refresh(t, "", with("refresh_token")),
		"empty":   refresh(t, ""),
		"two":     refresh(t, "", with("refresh_token", refreshToken, "other")),
	} {
		r := newRig(t, refreshing)
		w := r.do(req)
		if wantFault(t, w, http.StatusBadRequest, "UNSUPPORTED", "invalid_request"); len(r.granter.requests()) != 0 {
			t.Errorf("%s: the granter was asked", name)
		}
	}
	r := newRig(t, refreshing)
	wantFault(t, r.do(refresh(t, strings.Repeat("a", 16<<10+1))), http.StatusUnauthorized, "UNAUTHORIZED", "invalid_grant")
	w := r.do(refresh(t, refreshToken, with("service", "unknown.example")))
	wantFault(t, w, http.StatusBadRequest, "UNSUPPORTED", "invalid_request")
}
