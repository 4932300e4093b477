package authority_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// refresher is a Refresher of funcs.
type refresher struct {
	issue  func(service string, who identity.Principal) (identity.Secret, string, error)
	redeem func(service string, token identity.Secret) (identity.Principal, string, error)
}

func (r refresher) Issue(_ context.Context, service string, who identity.Principal) (identity.Secret, string, error) {
	return r.issue(service, who)
}

func (r refresher) Redeem(_ context.Context, service string, token identity.Secret) (identity.Principal, string, error) {
	return r.redeem(service, token)
}

// oneToken gives alice the token "good", and takes it.
func oneToken() refresher {
	return refresher{
		issue: func(s string, who identity.Principal) (identity.Secret, string, error) {
			if s != service || who.Name != "alice" {
				return identity.Secret{}, "", nil
			}
			return identity.NewSecret("good"), "id-good", nil
		},
		redeem: func(s string, token identity.Secret) (identity.Principal, string, error) {
			if s != service || token.Reveal() != "good" {
				return identity.Principal{}, "id-bad", &identity.AccountError{Reason: identity.ReasonRefreshForged}
			}
			return alice(), "id-good", nil
		},
	}
}

// refreshing makes a rig with the token; the directory takes no password.
func refreshing(tb testing.TB, edit func(*refresher)) *rig {
	tb.Helper()
	one := oneToken()
	if edit != nil {
		edit(&one)
	}
	return newRig(tb, func(o *authority.Options) { o.Refresher = one })
}

// refreshed is a request with a refresh token.
func refreshed(tb testing.TB, token string, asked ...string) authority.Request {
	tb.Helper()
	r := anonymous(tb, asked...)
	r.Grant, r.RefreshToken = authority.GrantRefresh, identity.NewSecret(token)
	return r
}

func TestP15_RefreshTokenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	asked := happy(t, "repository:payments/app:pull")
	asked.Offline = true
	anonymously := anonymous(t, "repository:public/app:pull")
	anonymously.Offline = true
	elsewhere := asked
	elsewhere.Service = "plain.corp.example"
	for name, c := range map[string]struct {
		request authority.Request
		want    string
	}{
		"not asked":       {happy(t), ""},
		"asked":           {asked, "good"},
		"anonymous":       {anonymously, ""},
		"another service": {elsewhere, ""},
	} {
		r := refreshing(t, nil)
		g, err := r.Grant(t.Context(), c.request)
		if err != nil || g.RefreshToken.Reveal() != c.want {
			t.Errorf("%s: refresh token %q, %v, want %q", name, g.RefreshToken.Reveal(), err, c.want)
		}
		if got := r.records[0].RefreshTokenID; (got == "id-good") != (c.want != "") {
			t.Errorf("%s: the record has %q", name, got)
		}
	}
}

// TestP79_RefreshGrant: a refresh token stands for its account, whose rights are looked up anew; no password is asked
// for, and the answer has the same token.
func TestP79_RefreshGrant(t *testing.T) {
	t.Parallel()
	r := refreshing(t, nil)
	r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) {
		t.Error("a password was asked for")
		return identity.Principal{}, identity.ErrInvalidCredentials
	}
	g, err := r.Grant(t.Context(), refreshed(t, "good", "repository:payments/app:pull,push"))
	if err != nil || g.RefreshToken.Reveal() != "good" || g.Principal.Name != "alice" {
		t.Fatalf("Grant = %+v, %v", g, err)
	}
	if got, want := read(t, g.Token), []string{"repository:payments/app:pull,push"}; got.Subject != "alice" || !slices.Equal(got.access(), want) {
		t.Errorf("the token says %+v, want %q", got, want)
	}
	if _, err := r.Grant(t.Context(), refreshed(t, "good")); err != nil { // a login
		t.Errorf("without a scope: %v", err)
	}
	if got := r.records[0]; got.Grant != "refresh" || got.RefreshTokenID != "id-good" || got.Principal.Name != "alice" {
		t.Errorf("record %+v", got)
	}
}

// TestP79_RefusedRefreshGrant: also what anybody may pull is not given to who shows a bad token.
func TestP79_RefusedRefreshGrant(t *testing.T) {
	t.Parallel()
	r := refreshing(t, nil)
	_, err := r.Grant(t.Context(), refreshed(t, "bad", "repository:public/app:pull"))
	if !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("Grant = %v", err)
	}
	if got := r.records[0]; got.Refused != "refresh_forged" || got.RefreshTokenID != "id-bad" || got.TokenID != "" {
		t.Errorf("record %+v", got)
	}
	off := newRig(t)
	_, err = off.Grant(t.Context(), refreshed(t, "good", "repository:public/app:pull"))
	if !errors.Is(err, identity.ErrInvalidCredentials) || off.records[0].Refused != "refresh_off" {
		t.Errorf("without refresh tokens: %v, record %+v", err, off.records[0])
	}
	nobody := refreshing(t, func(f *refresher) {
		f.redeem = func(string, identity.Secret) (identity.Principal, string, error) {
			return identity.Principal{}, "", nil
		}
	})
	if _, err := nobody.Grant(t.Context(), refreshed(t, "good", "repository:public/app:pull")); err == nil {
		t.Error("a token of nobody is granted")
	}
}

// TestNoGrantWithoutTheRefreshToken: a client that asks for one and gets none stores the password.
func TestNoGrantWithoutTheRefreshToken(t *testing.T) {
	t.Parallel()
	r := refreshing(t, func(f *refresher) {
		f.issue = func(string, identity.Principal) (identity.Secret, string, error) {
			return identity.Secret{}, "", &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonTimeout}
		}
	})
	request := happy(t)
	request.Offline = true
	if g, err := r.Grant(t.Context(), request); !errors.Is(err, identity.ErrUnavailable) || !g.Token.IsEmpty() {
		t.Errorf("Grant = %+v, %v, want ErrUnavailable", g, err)
	}
	if got := r.records[0].Refused; got != "timeout" {
		t.Errorf("record refused %q", got)
	}
}
