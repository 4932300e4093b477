package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/server"
)

func TestP28_NothingIsAnonymous(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*http.Request, url.Values){
		"no header": header("Authorization"),
		"Og==":      header("Authorization", "Basic Og=="),
		"og==":      header("Authorization", "basic  Og== "),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			wantReply(t, r.do(get(t, edit)))
			asked := r.granter.requests()
			if len(asked) != 1 || asked[0].Credentials != nil || asked[0].Grant != authority.GrantAnonymous {
				t.Errorf("asked %+v, want an anonymous request", asked)
			}
			line := r.line(t)
			if line["account"] != nil || line["account_hash"] != nil || line["grant"] != "anonymous" {
				t.Errorf("log line %v", line)
			}
		})
	}
}

// refusedUnasked are credentials that nobody is asked about.
func refusedUnasked() map[string]string {
	return map[string]string{
		"empty password":     "alice:",
		"empty name":         ":" + password,
		"NUL":                "ali\x00ce:" + password,
		"line feed":          "alice\n:" + password,
		"escape":             "\x1balice:" + password,
		"delete":             "alice\x7f:" + password,
		"C1 control":         "alice\u0085:" + password,
		"name not UTF-8":     "al\xffice:" + password,
		"password not UTF-8": "alice:\xff",
		"name over 256":      strings.Repeat("a", 257) + ":" + password,
		"password over 16K":  "alice:" + strings.Repeat("a", 16<<10+1),
	}
}

func TestP28_P29_P30_RefusedWithoutAsking(t *testing.T) {
	t.Parallel()
	for name, pair := range refusedUnasked() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			user, pass, _ := strings.Cut(pair, ":")
			wantFault(t, r.do(get(t, basic(pair))), http.StatusUnauthorized, "UNAUTHORIZED", "")
			wantFault(t, r.do(get(t, basic(pair), with("scope"))), http.StatusUnauthorized, "UNAUTHORIZED", "")
			w := r.do(post(t, with("username", user), with("password", pass)))
			wantFault(t, w, http.StatusUnauthorized, "UNAUTHORIZED", "invalid_grant")
			if n := len(r.granter.requests()); n != 0 {
				t.Errorf("the granter was asked %d times", n)
			}
			for _, line := range r.lines(t) {
				if line["reason"] != "bad_name" || line["account"] != nil {
					t.Errorf("log line %v", line)
				}
			}
		})
	}
}

// TestP29_PasswordWithoutAName: where no refresh tokens are taken a password alone proves nothing, also where anonymous
// requests are granted.
func TestP29_PasswordWithoutAName(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantReply(t, r.do(get(t, header("Authorization"))))
	for req, oauth := range map[*http.Request]string{
		get(t, basic(":a-refresh-token")):                                        "",
		get(t, basic(":a-refresh-token"), with("scope")):                         "",
		post(t, with("username", ""), with("password", "a-refresh-token")):       "invalid_grant",
		post(t, with("username", ""), with("password", "x"), with("scope", " ")): "invalid_grant",
	} {
		wantFault(t, r.do(req), http.StatusUnauthorized, "UNAUTHORIZED", oauth)
	}
	if n := len(r.granter.requests()); n != 1 {
		t.Errorf("the granter was asked %d times, want once, by nobody", n)
	}
}

func TestP28_EmptyPostIsNotAnonymous(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	w := r.do(post(t, with("username", ""), with("password", "")))
	wantFault(t, w, http.StatusUnauthorized, "UNAUTHORIZED", "invalid_grant")
	if len(r.granter.requests()) != 0 {
		t.Error("the granter was asked")
	}
}

func TestP30_P31_CredentialsArriveUnchanged(t *testing.T) {
	t.Parallel()
	passwords := []string{
		"a:b::c", ":", " leading and trailing ", "pässwörd ☃ \U0001F511", strings.Repeat("p", 1024), "a\x00b\tc\n", "%41+&=;", "*()\\,\"",
	}
	users := []string{"alice", `*)(uid=*`, `a\2a,b+c="d"`, "DOMAIN\\alice", "alice@corp.example", " alice ", "é", strings.Repeat("n", 256)}
	for _, user := range users {
		for _, pass := range passwords {
			r := newRig(t, nil)
			r.do(get(t, basic(user+":"+pass)))
			r.do(post(t, with("username", user), with("password", pass)))
			asked := r.granter.requests()
			if len(asked) != 2 {
				t.Fatalf("%q: asked %d times, want 2", user, len(asked))
			}
			for _, a := range asked {
				if a.Credentials.Username != user || a.Credentials.Password.Reveal() != pass {
					t.Errorf("credentials %q %q arrive as %q %q", user, pass, a.Credentials.Username, a.Credentials.Password.Reveal())
				}
			}
		}
	}
}

func TestP37_Anonymous(t *testing.T) {
	t.Parallel()
	off := newRig(t, func(_ *server.Options, g *granter) { g.grant = failing(identity.ErrInvalidCredentials) })
	wantFault(t, off.do(get(t, header("Authorization"))), http.StatusUnauthorized, "UNAUTHORIZED", "")
	on := newRig(t, nil)
	wantReply(t, on.do(get(t, header("Authorization"))))
	w := on.do(get(t, header("Authorization"), with("scope")))
	wantFault(t, w, http.StatusUnauthorized, "UNAUTHORIZED", "")
	wantHeader(t, w, "WWW-Authenticate", `Basic realm="wharfgate", charset="UTF-8"`)
	if n := len(on.granter.requests()); n != 1 {
		t.Errorf("the granter was asked %d times, want once", n)
	}
}

func TestP38_MalformedAuthorization(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		values []string
	}{
		{"not base64", 400, []string{"Basic !!!"}},
		{"no padding", 400, []string{"Basic YTpi=x"}},
		{"no colon", 400, []string{"Basic YWxpY2U="}},
		{"nothing", 400, []string{"Basic"}},
		{"two headers", 400, []string{"Basic YTpi", "Basic YTpi"}},
		{"two headers of two kinds", 400, []string{"Basic YTpi", "Bearer x"}},
		{"empty", 401, []string{""}},
		{"bearer", 401, []string{"Bearer eyJ.x.y"}},
		{"digest", 401, []string{`Digest username="a"`}},
		{"no space", 401, []string{"BasicYTpi"}},
		{"joined by a proxy", 400, []string{"Basic YTpi, Basic YTpi"}},
	}
	codes := map[int]string{400: "UNSUPPORTED", 401: "UNAUTHORIZED"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			wantFault(t, r.do(get(t, header("Authorization", tt.values...))), tt.status, codes[tt.status], "")
			if len(r.granter.requests()) != 0 {
				t.Error("the granter was asked")
			}
			if f := r.one(t); f.Grant != authority.GrantBasic {
				t.Errorf("observed %+v", f)
			}
		})
	}
}

func TestP40_CredentialsAreVerifiedEvenForPublicRepositories(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil) // where anonymous requests are granted
	wantReply(t, r.do(get(t, header("Authorization"))))
	wantFault(t, r.do(get(t, basic("alice:wrong"))), http.StatusUnauthorized, "UNAUTHORIZED", "")
	if asked := r.granter.requests(); len(asked) != 2 || asked[1].Credentials == nil {
		t.Errorf("asked %+v, want the credentials passed on", asked)
	}
}
