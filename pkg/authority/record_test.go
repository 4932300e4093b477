package authority_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func TestP73_RecordOfAGrant(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	r := newRig(t, func(o *authority.Options) { o.Now = func() time.Time { return now } })
	g, err := r.Grant(t.Context(), happy(t,
		"repository:payments/api:push", "repository:base/go:pull,push", "repository:payments/frozen:push", "repository:secret/x:pull",
	))
	if err != nil {
		t.Fatal(err)
	}
	want := audit.Record{
		Version: audit.Version, Time: now.UTC(), RequestID: "req-1", Service: service, Grant: "basic",
		Principal: audit.Principal{
			Kind: "person", Directory: "corp", ID: "id-alice", Name: "alice",
			Groups: []string{"cn=all,ou=groups,dc=corp", "cn=payments,ou=groups,dc=corp"},
		},
		Client: audit.Client{Address: "10.1.2.3", UserAgent: "docker/28.2.2", ID: "docker"},
		Scopes: []audit.Scope{
			{Type: "repository", Name: "base/go", Asked: []string{"pull", "push"}, Granted: []string{"pull"}, Rules: []string{"policy.yaml:3"}, Reason: "no_rule"},
			{Type: "repository", Name: "payments/api", Asked: []string{"push"}, Granted: []string{"pull", "push"}, Rules: []string{"policy.yaml:2"}},
			{Type: "repository", Name: "payments/frozen", Asked: []string{"push"}, Granted: []string{}, Rules: []string{"policy.yaml:4"}, Reason: "denied_by_rule"},
			{Type: "repository", Name: "secret/x", Asked: []string{"pull"}, Granted: []string{}, Reason: "no_rule"},
		},
		PolicyRevision: "r1", TokenID: g.TokenID, ExpiresAt: g.IssuedAt.Truncate(time.Second).Add(g.ExpiresIn).UTC(),
	}
	if len(r.records) != 1 || !reflect.DeepEqual(r.records[0], want) {
		t.Errorf("records = %+v, want one:\n%+v", r.records, want)
	}
}

func TestP73_RecordOfARefusal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want string
		who  audit.Principal
	}{
		{
			"account", &identity.AccountError{Reason: identity.ReasonDisabled, Source: "corp", ID: "id-bob", Name: "bob", Detail: "secret detail"},
			"disabled",
			audit.Principal{Kind: "person", Directory: "corp", ID: "id-bob", Name: "bob"},
		},
		{
			"account not found", &identity.AccountError{Reason: identity.ReasonNotFound, Source: "corp"},
			"not_found",
			audit.Principal{Kind: "anonymous", Directory: "corp"},
		},
		{
			"busy", &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonBusy, Source: "corp", ID: "id-bob", Name: "bob"},
			"busy",
			audit.Principal{Kind: "person", Directory: "corp", ID: "id-bob", Name: "bob"},
		},
		{"throttled", identity.ErrThrottled, "throttled", audit.Principal{Kind: "anonymous"}},
		{"unavailable", identity.ErrUnavailable, "unavailable", audit.Principal{Kind: "anonymous"}},
		{"no reason", identity.ErrInvalidCredentials, authority.RefusedUnproven, audit.Principal{Kind: "anonymous"}},
		{"deadline", context.DeadlineExceeded, "timeout", audit.Principal{Kind: "anonymous"}},
		{"client gone", context.Canceled, "client_gone", audit.Principal{Kind: "anonymous"}},
		{"fault", errors.New("disk on fire"), authority.RefusedInternal, audit.Principal{Kind: "anonymous"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) {
				return identity.Principal{}, tt.err
			}
			if _, err := r.Grant(t.Context(), happy(t, "repository:payments/api:pull")); !errors.Is(err, tt.err) {
				t.Errorf("Grant = %v, want %v", err, tt.err)
			}
			got := r.records[0]
			if got.Refused != tt.want || !reflect.DeepEqual(got.Principal, tt.who) || got.TokenID != "" || !got.ExpiresAt.IsZero() {
				t.Errorf("record = %+v, want refused %q for %+v", got, tt.want, tt.who)
			}
			if !slices.Contains(authority.Refusals(), got.Refused) {
				t.Errorf("Refusals does not list %q", got.Refused)
			}
			if s := got.Scopes; len(s) != 1 || len(s[0].Granted) != 0 || s[0].Granted == nil {
				t.Errorf("scopes = %+v, want what was asked and nothing granted", s)
			}
		})
	}
}

func TestP73_RecordOfAnonymous(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.Grant(t.Context(), anonymous(t)); err == nil {
		t.Error("Grant without credentials and scope = nil")
	}
	if _, err := r.Grant(t.Context(), anonymous(t, "repository:public/x:pull")); err != nil {
		t.Fatal(err)
	}
	if got := r.records[0].Refused; got != authority.RefusedWithoutLogin || !slices.Contains(authority.Refusals(), got) {
		t.Errorf("refused = %q, want %q", got, authority.RefusedWithoutLogin)
	}
	if got := r.records[1]; got.Refused != "" || got.Principal.Kind != "anonymous" || got.Grant != "anonymous" {
		t.Errorf("record = %+v, want a grant to nobody", got)
	}
}

func TestP72_RecordHasNoSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const secret = "hunter2-secret"
	q := happy(t, "repository:payments/api:pull")
	q.Credentials.Password = identity.NewSecret(secret)
	if _, err := r.Grant(t.Context(), q); err == nil {
		t.Error("Grant with a wrong password = nil")
	}
	g, err := r.Grant(t.Context(), happy(t, "repository:payments/api:pull"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r.records)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{secret, "right", g.Token.Reveal()} {
		if strings.Contains(string(text), s) {
			t.Errorf("the record holds a secret: %s", text)
		}
	}
}

func TestNoRecordWanted(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *authority.Options) { o.Audit = nil })
	_, err := r.Grant(t.Context(), happy(t))
	_, refused := r.Grant(t.Context(), anonymous(t))
	if err != nil || !errors.Is(refused, identity.ErrInvalidCredentials) {
		t.Errorf("Grant = %v, %v", err, refused)
	}
}
