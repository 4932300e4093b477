package authority_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		extra []line
		asked []string
		want  []string
		life  time.Duration
	}{
		{"login", nil, nil, []string{}, 2 * time.Minute},
		{"push", nil, []string{"repository:payments/api:push,pull"}, []string{"repository:payments/api:pull,push"}, 20 * time.Minute},
		{"P43 partial", nil, []string{"repository:base/go:push,pull"}, []string{"repository:base/go:pull"}, 2 * time.Minute},
		{"P43 denied by a rule", nil, []string{"repository:payments/frozen:push,pull"}, []string{"repository:payments/frozen:pull"}, 2 * time.Minute},
		{"P44 nothing", nil, []string{"repository:secret/x:pull"}, []string{}, 2 * time.Minute},
		{
			"P45 mount from a source that is denied", nil,
			[]string{"repository:payments/api:pull,push", "repository:secret/x:pull"},
			[]string{"repository:payments/api:pull,push"},
			20 * time.Minute,
		},
		{"P46 star", nil, []string{"repository:payments/api:*"}, []string{"repository:payments/api:delete,pull,push"}, 20 * time.Minute},
		{"P46 star where less is allowed", nil, []string{"repository:base/go:*"}, []string{"repository:base/go:pull"}, 2 * time.Minute},
		{
			"P47 catalog",
			[]line{{policy.GroupName, "all", policy.Can, registry.Catalog, ""}},
			[]string{"registry:catalog:*"},
			[]string{"registry:catalog:*"},
			2 * time.Minute,
		},
		{"P47 no catalog", nil, []string{"registry:catalog:*"}, []string{}, 2 * time.Minute},
		{"P55 push alone", nil, []string{"repository:payments/api:push"}, []string{"repository:payments/api:pull,push"}, 20 * time.Minute},
		{"P55 push alone that is denied", nil, []string{"repository:payments/frozen:push"}, []string{}, 2 * time.Minute},
		{
			"P56 order", nil,
			[]string{"repository:payments/b:pull", "repository:base/z:pull", "repository:payments/a:pull"},
			[]string{"repository:base/z:pull", "repository:payments/a:pull", "repository:payments/b:pull"},
			2 * time.Minute,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.live.Swap(compile(t, "r1", append(usual(), tt.extra...)...))
			g, err := r.Grant(t.Context(), happy(t, tt.asked...))
			if err != nil {
				t.Fatal(err)
			}
			p := read(t, g.Token)
			if got := p.access(); !slices.Equal(got, tt.want) {
				t.Errorf("token grants %v, want %v", got, tt.want)
			}
			if got := texts(g.Granted); !slices.Equal(got, tt.want) {
				t.Errorf("Granted = %v, want %v", got, tt.want)
			}
			if g.ExpiresIn != tt.life || p.Expiry != g.IssuedAt.Truncate(time.Second).Add(tt.life).Unix() {
				t.Errorf("lives %v, until %d, want %v", g.ExpiresIn, p.Expiry, tt.life)
			}
			if p.Subject != "alice" || p.Audience != service || p.ID != g.TokenID || g.PolicyRevision != "r1" {
				t.Errorf("token %+v, grant %+v", p, g)
			}
		})
	}
}

func texts(scopes []registry.Scope) []string {
	all := []string{}
	for _, s := range scopes {
		all = append(all, s.String())
	}
	return all
}

func TestDefaultLifetimes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for asked, want := range map[string]time.Duration{"pull": 5 * time.Minute, "push": 30 * time.Minute} {
		q := happy(t, "repository:payments/api:"+asked)
		q.Service = "plain.corp.example"
		if g, err := r.Grant(t.Context(), q); err != nil || g.ExpiresIn != want {
			t.Errorf("%s: %v, %v, want %v", asked, g.ExpiresIn, err, want)
		}
	}
}

func TestP37_Anonymous(t *testing.T) {
	t.Parallel()
	public := "repository:public/tools:pull,push"
	tests := []struct {
		name   string
		closed bool // no rule for anyone
		asked  []string
		want   []string
		err    error
	}{
		{"public path", false, []string{public}, []string{"repository:public/tools:pull"}, nil},
		{"private path", false, []string{"repository:payments/api:pull"}, []string{}, nil},
		{"both", false, []string{public, "repository:payments/api:pull"}, []string{"repository:public/tools:pull"}, nil},
		{"no scope", false, nil, nil, identity.ErrInvalidCredentials},
		{"nobody is served", true, []string{public}, nil, identity.ErrInvalidCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if tt.closed {
				r.live.Swap(compile(t, "r2", usual()[1:]...))
			}
			g, err := r.Grant(t.Context(), anonymous(t, tt.asked...))
			if tt.err != nil {
				if !errors.Is(err, tt.err) || !g.Token.IsEmpty() {
					t.Errorf("Grant = %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p := read(t, g.Token)
			if !slices.Equal(p.access(), tt.want) || p.Subject != "" || g.Principal.Kind != identity.Anonymous {
				t.Errorf("token %+v, want %v for nobody", p, tt.want)
			}
		})
	}
}

func TestP40_CredentialsAreProvenForPublicPaths(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := happy(t, "repository:public/tools:pull")
	q.Credentials.Password = identity.NewSecret("wrong")
	if g, err := r.Grant(t.Context(), q); !errors.Is(err, identity.ErrInvalidCredentials) || !g.Token.IsEmpty() {
		t.Errorf("Grant = %v, want %v", err, identity.ErrInvalidCredentials)
	}
}

func TestUnknownServiceComesFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) {
		t.Error("the directory was asked")
		return identity.Principal{}, nil
	}
	for _, name := range []string{"", "other", service + " ", "REGISTRY.corp.example"} {
		q := happy(t)
		q.Service = name
		if _, err := r.Grant(t.Context(), q); !errors.Is(err, authority.ErrUnknownService) {
			t.Errorf("Grant for %q = %v, want %v", name, err, authority.ErrUnknownService)
		}
	}
	if len(r.records) != 0 {
		t.Errorf("records of requests that nobody decided: %v", r.records)
	}
}

func TestAuthenticatorThatProvesNobody(t *testing.T) {
	t.Parallel()
	for _, who := range []identity.Principal{{}, {Name: "alice"}, {Kind: identity.Person, Source: "corp", ID: "x"}} {
		r := newRig(t)
		r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) { return who, nil }
		if g, err := r.Grant(t.Context(), happy(t)); err == nil {
			t.Errorf("Grant for %+v = %+v, want an error", who, g)
		}
	}
}

func TestOnePolicyForTheWholeRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := compile(t, "r2", line{policy.GroupName, "payments", policy.Can, registry.Pull, "**"})
	authenticate := r.directory.authenticate
	r.directory.authenticate = func(ctx context.Context, c identity.Credentials) (identity.Principal, error) {
		r.live.Swap(next) // while the directory was asked
		return authenticate(ctx, c)
	}
	g, err := r.Grant(t.Context(), happy(t, "repository:payments/api:push", "repository:x:pull"))
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(g.Granted); g.PolicyRevision != "r2" || !slices.Equal(got, []string{"repository:x:pull"}) {
		t.Errorf("policy %s granted %v, want all by r2", g.PolicyRevision, got)
	}
}

// signer fails.
type signer struct{ err error }

func (s signer) Sign(token.Claims) (token.Signed, error) { return token.Signed{}, s.err }

func TestSigningFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *authority.Options) { o.Issuer = signer{token.ErrExpiringKey} })
	g, err := r.Grant(t.Context(), happy(t))
	if !errors.Is(err, token.ErrExpiringKey) || !g.Token.IsEmpty() {
		t.Errorf("Grant = %v, want %v", err, token.ErrExpiringKey)
	}
	if len(r.records) != 1 || r.records[0].Refused != authority.RefusedInternal {
		t.Errorf("records = %+v", r.records)
	}
}

func TestObserver(t *testing.T) {
	t.Parallel()
	var decided []string
	size := 0
	r := newRig(t, func(o *authority.Options) {
		o.Observer = authority.Observer{
			Decided: func(service, action string, granted bool, reason policy.Reason) {
				decided = append(decided, fmt.Sprint(service, " ", action, " ", granted, " ", reason))
			},
			Signed: func(_ string, n int) { size = n },
		}
	})
	g, err := r.Grant(t.Context(), happy(t, "repository:payments/frozen:*", "repository:base/x:push", "registry:catalog:*"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		service + " * false no_rule", service + " push false no_rule",
		service + " pull true rule", service + " push false denied_by_rule", service + " delete true rule",
	}
	if !slices.Equal(decided, want) || size != len(g.Token.Reveal()) {
		t.Errorf("observed %q, %d bytes, want %q", decided, size, want)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*authority.Options)
	}{
		{"no authenticator", func(o *authority.Options) { o.Authenticator = nil }},
		{"no policy", func(o *authority.Options) { o.Policy = nil }},
		{"no issuer", func(o *authority.Options) { o.Issuer = nil }},
		{"no service", func(o *authority.Options) { o.Services = nil }},
		{"service without a name", func(o *authority.Options) { o.Services[0].Name = "" }},
		{"service twice", func(o *authority.Options) { o.Services[1].Name = o.Services[0].Name }},
		{"short life", func(o *authority.Options) { o.Services[0].TokenLifetime = 59 * time.Second }},
		{"short life for push", func(o *authority.Options) { o.Services[0].PushTokenLifetime = -time.Second }},
		{"part of a second", func(o *authority.Options) { o.Services[0].TokenLifetime = 90500 * time.Millisecond }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := company()
			o := authority.Options{
				Services: []registry.Service{{Name: "a"}, {Name: "b"}}, Authenticator: d, Policy: policy.NewLive(nil), Issuer: signer{},
			}
			if _, err := authority.New(o); err != nil {
				t.Fatal(err)
			}
			tt.edit(&o)
			if _, err := authority.New(o); !errors.Is(err, authority.ErrInvalidOptions) {
				t.Errorf("New = %v, want %v", err, authority.ErrInvalidOptions)
			}
		})
	}
}

func BenchmarkGrant(b *testing.B) {
	r, who := newRig(b), alice()
	r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) { return who, nil }
	q := happy(b, "repository:payments/api:pull,push")
	b.ReportAllocs()
	for b.Loop() {
		r.records = r.records[:0]
		if _, err := r.Grant(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}
