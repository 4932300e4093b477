package authority_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// bounded makes a policy with one rule for everybody.
func bounded(t *testing.T, edit func(*policy.Rule)) *policy.Policy {
	t.Helper()
	r := summaryRule(t, 1, policy.Can, registry.Push, "a/**")
	edit(&r)
	p, err := policy.New(policy.Options{Revision: "r1", Rules: []policy.Rule{r}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTokensEndWithTheRule: a token outlives the until that granted it by a minute at most, the shortest life
// that clients understand.
func TestTokensEndWithTheRule(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	tests := []struct {
		name string
		left time.Duration
		want time.Duration
	}{
		{"far away", time.Hour, 20 * time.Minute},
		{"nearer than a token's life", 3 * time.Minute, 3 * time.Minute},
		{"a fraction of a second", 3*time.Minute + time.Millisecond, 3 * time.Minute},
		{"nearer than a minute", time.Second, time.Minute},
		{"over", 0, 2 * time.Minute}, // nothing is granted
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *authority.Options) { o.Now = func() time.Time { return now } })
			r.live.Swap(bounded(t, func(rule *policy.Rule) { rule.Until = now.Add(tt.left) }))
			g, err := r.Grant(t.Context(), happy(t, "repository:a/b:push,pull"))
			if err != nil {
				t.Fatal(err)
			}
			if g.ExpiresIn != tt.want || (len(g.Granted) > 0) != (tt.left > 0) {
				t.Errorf("granted %v for %v, want %v", g.Granted, g.ExpiresIn, tt.want)
			}
			if got := g.Reason() == string(policy.ReasonExpired); got != (tt.left == 0) {
				t.Errorf("Reason() = %q", g.Reason())
			}
		})
	}
}

// TestConditionsOfARequest: address, registry and time of the request reach the policy, in Grant and Explain.
func TestConditionsOfARequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.live.Swap(bounded(t, func(rule *policy.Rule) {
		rule.From, rule.On = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{service}
		rule.Since = time.Now().Add(-time.Hour)
	}))
	tests := []struct {
		name    string
		edit    func(*authority.Request)
		reason  policy.Reason
		granted bool
	}{
		{"met", func(*authority.Request) {}, "", true},
		{"another address", func(q *authority.Request) { q.Client = netip.MustParseAddr("192.168.1.9") }, policy.ReasonWrongNetwork, false},
		{"another registry", func(q *authority.Request) { q.Service = "plain.corp.example" }, policy.ReasonOtherRegistry, false},
	}
	for _, tt := range tests {
		q := happy(t, "repository:a/b:push")
		tt.edit(&q)
		g, err := r.Grant(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.Explain(t.Context(), authority.Question{Service: q.Service, User: "alice", Scopes: q.Scopes, Client: q.Client})
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Granted) > 0 != tt.granted || g.Reason() != string(tt.reason) || !slices.Equal(a.Grant.Granted, g.Granted) || a.Grant.Reason() != g.Reason() {
			t.Errorf("%s: granted %v for %q, explained %v for %q", tt.name, g.Granted, g.Reason(), a.Grant.Granted, a.Grant.Reason())
		}
	}
	early := authority.Question{
		Service: service, User: "alice", Scopes: happy(t, "repository:a/b:push").Scopes,
		Client: netip.MustParseAddr("10.1.1.1"), At: time.Now().AddDate(0, 0, -1),
	}
	if a, err := r.Explain(t.Context(), early); err != nil || a.Grant.Reason() != string(policy.ReasonTooEarly) {
		t.Errorf("the day before: %q, %v", a.Grant.Reason(), err)
	}
	if a, err := r.Explain(t.Context(), authority.Question{Service: service, Scopes: early.Scopes}); err != nil || a.Grant.Reason() != string(policy.ReasonWrongNetwork) {
		t.Errorf("without an address: %q, %v", a.Grant.Reason(), err)
	}
}

// TestStalePrincipalsGetShortTokens: who could not be read again is believed for a minute, also for a push, and the
// record says so.
func TestStalePrincipalsGetShortTokens(t *testing.T) {
	t.Parallel()
	for _, stale := range []bool{false, true} {
		r := newRig(t)
		r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) {
			who := alice()
			who.Stale = stale
			return who, nil
		}
		r.live.Swap(bounded(t, func(*policy.Rule) {}))
		g, err := r.Grant(t.Context(), happy(t, "repository:a/b:push,pull"))
		if err != nil {
			t.Fatal(err)
		}
		if short := g.ExpiresIn == time.Minute; short != stale || len(g.Granted) == 0 {
			t.Errorf("stale %t: granted %v for %v, want a minute exactly if it is", stale, g.Granted, g.ExpiresIn)
		}
	}
}
