package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/server"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// directory is an Authenticator that knows alice.
type directory struct{}

func (directory) Authenticate(_ context.Context, c identity.Credentials) (identity.Principal, error) {
	if c.Username != "Alice" || c.Password.Reveal() != password {
		return identity.Principal{}, &identity.AccountError{Reason: identity.ReasonWrongPassword, Source: "corp", ID: "id-1", Name: "alice"}
	}
	return alice(), nil
}

// signer makes tokens that nobody can verify.
type signer struct{}

func (signer) Sign(c token.Claims) (token.Signed, error) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return token.Signed{Token: identity.NewSecret(jwt), ID: "token-1", IssuedAt: now, ExpiresAt: now.Add(c.Lifetime)}, nil
}

// sentence is a rule for tests: who, what, where.
type sentence struct {
	who     policy.SubjectKind
	actions registry.Actions
	repo    string
}

// withPolicy puts a real authority behind the server.
func withPolicy(t testing.TB, sentences ...sentence) *rig {
	t.Helper()
	var rules []policy.Rule
	for i, s := range sentences {
		who, err := policy.NewSubject(s.who, "who", "", "")
		if err != nil {
			t.Fatal(err)
		}
		pattern, err := policy.ParsePattern(s.repo)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, policy.Rule{
			Position: policy.Position{File: "policy.yaml", Line: i + 1}, Who: []policy.Subject{who}, Actions: s.actions,
			Repos: []policy.Pattern{pattern},
		})
	}
	p, err := policy.New(policy.Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	a, err := authority.New(authority.Options{
		Services: []registry.Service{{Name: service}}, Authenticator: directory{}, Policy: policy.NewLive(p), Issuer: signer{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, func(o *server.Options, _ *granter) { o.Granter = a })
}

// ask sends a request as alice and gives what the answer says was granted.
func ask(t *testing.T, r *rig, scopes ...string) string {
	t.Helper()
	w := r.do(post(t, with("username", "Alice"), with("scope", scopes...)))
	return *wantReply(t, w).Scope
}

func TestP37_AnonymousFollowsThePolicy(t *testing.T) {
	t.Parallel()
	off := withPolicy(t, sentence{policy.SignedIn, registry.Pull, "team/*"})
	wantFault(t, off.do(get(t, header("Authorization"))), http.StatusUnauthorized, "UNAUTHORIZED", "")
	on := withPolicy(t, sentence{policy.Anyone, registry.Pull, "public/*"})
	wantReply(t, on.do(get(t, header("Authorization"), with("scope", "repository:public/x:pull,push repository:team/x:pull"))))
	if line := on.line(t); line["granted"] != "repository:public/x:pull" || line["rules"] != "policy.yaml:1" || line["reason"] != "no_rule" {
		t.Errorf("log line %v, want the intersection", line)
	}
	wantFault(t, on.do(get(t, header("Authorization"), with("scope"))), http.StatusUnauthorized, "UNAUTHORIZED", "")
	wantFault(t, on.do(get(t, basic("Alice:wrong"))), http.StatusUnauthorized, "UNAUTHORIZED", "")
}

func TestP43_P44_P45_LessThanAskedIsGranted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want, result string
		scopes             []string
	}{
		{"part of it", "repository:lib/a:pull", "partial", []string{"repository:lib/a:push,pull"}},
		{"nothing", "", "empty", []string{"repository:secret/a:pull"}},
		{"mount source refused", "repository:team/a:pull,push", "partial", []string{"repository:team/a:pull,push", "repository:secret/a:pull"}},
		{"star", "repository:team/a:pull,push", "granted", []string{"repository:team/a:*"}},
		{"catalog", "", "empty", []string{"registry:catalog:*"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := withPolicy(
				t, sentence{policy.SignedIn, registry.Pull, "lib/*"}, sentence{policy.SignedIn, registry.Push | registry.Pull, "team/*"},
			)
			if got := ask(t, r, tt.scopes...); got != tt.want {
				t.Errorf("granted %q, want %q", got, tt.want)
			}
			if f := r.one(t); string(f.Result) != tt.result {
				t.Errorf("result = %s, want %s", f.Result, tt.result)
			}
		})
	}
}

func TestP51_P52_IllegalNamesAreNeverGranted(t *testing.T) {
	t.Parallel()
	r := withPolicy(t, sentence{policy.Anyone, registry.RepositoryActions, "**"})
	for _, name := range []string{"Team/x", "team/../x", "..", "a//b", "/a", "a/", "*", "**", "a/*", "a%2fb", "a%00", "a\tb", "é", ""} {
		if got := ask(t, r, "repository:"+name+":*"); got != "" {
			t.Errorf("name %q: granted %q", name, got)
		}
	}
	narrow := withPolicy(t, sentence{policy.Anyone, registry.Pull, "team/*"})
	for _, name := range []string{"team-evil/x", "team", "team/x/y", "teams/x"} {
		if got := ask(t, narrow, "repository:"+name+":pull"); got != "" {
			t.Errorf("name %q: granted %q", name, got)
		}
	}
	if got := ask(t, narrow, "repository:team/x:pull"); got != "repository:team/x:pull" {
		t.Errorf("team/x: granted %q", got)
	}
}

func TestAccountIsTheCanonicalName(t *testing.T) {
	t.Parallel()
	r := withPolicy(t)
	r.do(get(t, basic("Alice:"+password)))
	r.do(get(t, basic("Alice:wrong")))
	for _, line := range r.lines(t) {
		if line["account"] != "alice@corp" || line["account_hash"] != nil {
			t.Errorf("log line %v, want account alice@corp", line)
		}
	}
}

// FuzzP54_NoGrantOutsideThePolicy sends scopes through the whole of parser, policy and answer.
func FuzzP54_NoGrantOutsideThePolicy(f *testing.F) {
	for _, s := range []string{
		"repository:team/x:*", "repository:team/../x:pull", "registry:catalog:*", "repository:team:5000/x:pull", "repository:Team/x:push",
		"repository:team/x:pull repository:other/x:pull", "repository(plugin):team/x:delete", "repository:team/x/y:pull",
	} {
		f.Add(s, "")
	}
	r := withPolicy(f, sentence{policy.Anyone, registry.Pull | registry.Push, "team/*"})
	legal := regexp.MustCompile(`^repository:team/[a-z0-9._-]+:(pull|push|pull,push)$`)
	f.Fuzz(func(t *testing.T, one, two string) {
		body := url.Values{
			"grant_type": {"password"}, "username": {"Alice"}, "password": {password}, "service": {service}, "scope": {one, two},
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", io.NopCloser(strings.NewReader(body.Encode())))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := r.do(req)
		r.log.Reset()
		r.finished, r.inFlight = nil, nil
		if w.Code != http.StatusOK {
			if w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%q, %q: status %d", one, two, w.Code)
			}
			return
		}
		for scope := range strings.FieldsSeq(*wantReply(t, w).Scope) {
			if !legal.MatchString(scope) {
				t.Errorf("%q, %q: granted %q", one, two, scope)
			}
		}
	})
}
