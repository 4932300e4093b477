package authority_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

func TestP74_ExplainSaysWhatGrantDoes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asked := []string{
		"repository:payments/api:push", "repository:payments/frozen:*", "repository:base/x:pull,push", "repository:y:pull", "registry:catalog:*",
	}
	for _, user := range []string{"alice", ""} {
		q := happy(t, asked...)
		if user == "" {
			q = anonymous(t, asked...)
		}
		g, err := r.Grant(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.Explain(t.Context(), authority.Question{Service: service, User: user, Scopes: q.Scopes})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a.Grant.Granted, g.Granted) || !reflect.DeepEqual(a.Grant.Principal, g.Principal) || a.Grant.PolicyRevision != "r1" {
			t.Errorf("%q: Explain gives %+v, Grant %+v", user, a.Grant, g)
		}
		if !a.Grant.Token.IsEmpty() || len(a.Explanations) != len(q.Scopes) {
			t.Errorf("%q: %d explanations for %d scopes", user, len(a.Explanations), len(q.Scopes))
		}
		for i, e := range a.Explanations {
			if e.Request.Scope != q.Scopes[i] {
				t.Errorf("explanation %d is about %v, want %v", i, e.Request.Scope, q.Scopes[i])
			}
			for _, x := range e.Actions {
				if granted := x.Reason == policy.ReasonRule; granted != a.Grant.Decisions[i].Granted.Has(x.Action) {
					t.Errorf("%v: explained as %v, decided %v", e.Request.Scope, x, a.Grant.Decisions[i].Granted)
				}
			}
		}
	}
	if len(r.records) != 2 {
		t.Errorf("%d records, want those of the two grants", len(r.records))
	}
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*authority.Question, *rig)
		want error
	}{
		{"unknown service", func(q *authority.Question, _ *rig) { q.Service = "x" }, authority.ErrUnknownService},
		{"unknown account", func(q *authority.Question, _ *rig) { q.User = "nobody" }, identity.ErrInvalidCredentials},
		{"nobody is served", func(q *authority.Question, r *rig) {
			q.User = ""
			r.live.Swap(nil)
		}, identity.ErrInvalidCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q := authority.Question{Service: service, User: "alice"}
			tt.edit(&q, r)
			if _, err := r.Explain(t.Context(), q); !errors.Is(err, tt.want) {
				t.Errorf("Explain = %v, want %v", err, tt.want)
			}
		})
	}
	r := newRig(t, func(o *authority.Options) { o.Resolver = nil })
	if _, err := r.Explain(t.Context(), authority.Question{Service: service, User: "alice"}); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("Explain without a resolver = %v, want %v", err, identity.ErrUnavailable)
	}
}
