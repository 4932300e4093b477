package authority_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

const service = "registry.corp.example"

// directory is an Authenticator and a Resolver of funcs.
type directory struct {
	authenticate func(ctx context.Context, c identity.Credentials) (identity.Principal, error)
	resolve      func(ctx context.Context, source, user string) (identity.Principal, error)
}

func (d *directory) Authenticate(ctx context.Context, c identity.Credentials) (identity.Principal, error) {
	return d.authenticate(ctx, c)
}

func (d *directory) Resolve(ctx context.Context, source, user string) (identity.Principal, error) {
	return d.resolve(ctx, source, user)
}

// alice is in the payments team.
func alice() identity.Principal {
	return identity.Principal{
		Kind: identity.Person, Source: "corp", ID: "id-alice", Name: "alice",
		Groups: []identity.Group{
			identity.NewGroup("id-payments", "cn=payments,ou=groups,dc=corp", "payments"),
			identity.NewGroup("id-all", "cn=all,ou=groups,dc=corp", "all"),
		},
	}
}

// company knows alice, whose password is "right".
func company() *directory {
	return &directory{
		authenticate: func(_ context.Context, c identity.Credentials) (identity.Principal, error) {
			if c.Username == "alice" && c.Password.Reveal() == "right" {
				return alice(), nil
			}
			return identity.Principal{}, &identity.AccountError{Reason: identity.ReasonWrongPassword, Source: "corp", ID: "id-alice", Name: "alice"}
		},
		resolve: func(_ context.Context, source, user string) (identity.Principal, error) {
			if source == "" && user == "alice" {
				return alice(), nil
			}
			return identity.Principal{}, &identity.AccountError{Reason: identity.ReasonNotFound}
		},
	}
}

// line is one rule: who, can or cannot, actions, repositories.
type line struct {
	who     policy.SubjectKind
	name    string
	effect  policy.Effect
	actions registry.Actions
	repo    string
}

// usual is the policy of most tests.
func usual() []line {
	return []line{
		{policy.Anyone, "", policy.Can, registry.Pull, "public/**"},
		{policy.GroupName, "payments", policy.Can, registry.Pull | registry.Push | registry.Delete, "payments/**"},
		{policy.GroupName, "all", policy.Can, registry.Pull, "base/**"},
		{policy.GroupName, "payments", policy.Cannot, registry.Push, "payments/frozen"},
	}
}

func compile(tb testing.TB, revision string, lines ...line) *policy.Policy {
	tb.Helper()
	o := policy.Options{Revision: revision, DefaultDirectory: "corp"}
	for i, l := range lines {
		from := ""
		if l.name != "" {
			from = "corp"
		}
		who, err := policy.NewSubject(l.who, l.name, from, l.name)
		if err != nil {
			tb.Fatal(err)
		}
		r := policy.Rule{
			Position: policy.Position{File: "policy.yaml", Line: i + 1}, Who: []policy.Subject{who},
			Effect: l.effect, Actions: l.actions,
		}
		if l.repo != "" {
			repo, err := policy.ParsePattern(l.repo)
			if err != nil {
				tb.Fatal(err)
			}
			r.Repos = []policy.Pattern{repo}
		}
		o.Rules = append(o.Rules, r)
	}
	p, err := policy.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// rig is an Authority with everything around it.
type rig struct {
	*authority.Authority

	live      *policy.Live
	directory *directory

	mu      sync.Mutex
	records []audit.Record
}

func newRig(tb testing.TB, edits ...func(*authority.Options)) *rig {
	tb.Helper()
	r := &rig{live: policy.NewLive(compile(tb, "r1", usual()...)), directory: company()}
	o := authority.Options{
		Services: []registry.Service{
			{Name: service, TokenLifetime: 2 * time.Minute, PushTokenLifetime: 20 * time.Minute},
			{Name: "plain.corp.example"},
		},
		Authenticator: r.directory, Resolver: r.directory, Policy: r.live, Issuer: issuer(tb),
		Audit: func(record audit.Record) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.records = append(r.records, record)
		},
	}
	for _, edit := range edits {
		edit(&o)
	}
	var err error
	if r.Authority, err = authority.New(o); err != nil {
		tb.Fatal(err)
	}
	return r
}

// issuer makes a real one.
func issuer(tb testing.TB) *token.Issuer {
	tb.Helper()
	ca, err := token.CreateCA(tb.TempDir(), time.Now(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := token.NewKeySet(token.KeySetOptions{CA: ca})
	if err != nil {
		tb.Fatal(err)
	}
	i, err := token.New(token.Options{Issuer: "wharfgate", Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// happy is what docker asks with alice's password.
func happy(tb testing.TB, asked ...string) authority.Request {
	tb.Helper()
	return authority.Request{
		ID: "req-1", Service: service, Grant: authority.GrantBasic,
		Credentials: &identity.Credentials{Username: "alice", Password: identity.NewSecret("right")},
		Scopes:      scopes(tb, asked...),
		Client:      netip.MustParseAddr("10.1.2.3"), UserAgent: "docker/28.2.2", ClientID: "docker",
	}
}

// anonymous is happy without credentials.
func anonymous(tb testing.TB, asked ...string) authority.Request {
	tb.Helper()
	r := happy(tb, asked...)
	r.Credentials, r.Grant = nil, authority.GrantAnonymous
	return r
}

func scopes(tb testing.TB, values ...string) []registry.Scope {
	tb.Helper()
	s, dropped, err := registry.ParseScopes(values, 100)
	if err != nil || len(dropped) > 0 {
		tb.Fatalf("ParseScopes(%q) = %v, %v", values, dropped, err)
	}
	return s
}

// payload is what a registry reads in a token.
type payload struct {
	Subject  string            `json:"sub"`
	Audience string            `json:"aud"`
	Expiry   int64             `json:"exp"`
	ID       string            `json:"jti"`
	Access   []registry.Access `json:"access"`
}

func read(tb testing.TB, s identity.Secret) payload {
	tb.Helper()
	var p payload
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(s.Reveal(), ".")[1])
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// access writes the access of a token as scopes.
func (p payload) access() []string {
	all := []string{}
	for _, a := range p.Access {
		all = append(all, a.Type+":"+a.Name+":"+strings.Join(a.Actions, ","))
	}
	return all
}
