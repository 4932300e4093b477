package policyfile_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

func TestConditionsAreRead(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	now := func(text string) func(*policy.Request) {
		return func(r *policy.Request) { r.Now = at(text) }
	}
	from := func(text string) func(*policy.Request) {
		return func(r *policy.Request) { r.Client = netip.MustParseAddr(text) }
	}
	tests := []struct {
		condition string
		edit      func(*policy.Request)
		want      bool
	}{
		{"until: 2026-12-31", now("2026-12-31T23:59:59Z"), true},
		{"until: 2026-12-31", now("2027-01-01T00:00:00Z"), false},
		{"until: '2026-12-31'", now("2027-01-01T00:30:00+01:00"), true},
		{"until: 2026-12-31T18:00:00Z", now("2026-12-31T17:59:59Z"), true},
		{"until: 2026-12-31T18:00:00Z", now("2026-12-31T18:00:00Z"), false},
		{"until: 2026-12-31T18:00+01:00", now("2026-12-31T17:00:00Z"), false},
		{"since: 2026-12-31", now("2026-12-31T00:00:00Z"), true},
		{"since: 2026-12-31", now("2026-12-30T23:59:59Z"), false},
		{"since: 2026-12-31\n  until: 2026-12-31", now("2026-12-31T12:00:00Z"), true},
		{"from: 10.20.0.0/16", from("10.20.255.1"), true},
		{"from: [192.168.1.9, '2001:db8::/32']", from("192.168.1.9"), true},
		{"from: [192.168.1.9, '2001:db8::/32']", from("2001:db8::7"), true},
		{"from: [192.168.1.9, '2001:db8::/32']", from("192.168.1.8"), false},
		{"from: ::1", from("::1"), true},
		{"on: [registry.corp.example, mirror.corp.example]", func(r *policy.Request) { r.Service = "mirror.corp.example" }, true},
		{"on: registry.corp.example", func(r *policy.Request) { r.Service = "mirror.corp.example" }, false},
		{"except: [group:x, robot:ci]", nil, true},
		{"except: [group:payments, robot:ci]", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.condition, func(t *testing.T) {
			t.Parallel()
			text := "version: 1\nrules:\n- who: group:payments\n  can: pull\n  repos: a/**\n  " + tt.condition + "\n"
			o := options()
			o.FindGroup = func(_ context.Context, _, name string) ([]identity.Group, error) {
				return []identity.Group{person("x", name).Groups[0]}, nil
			}
			p, err := policyfile.Parse("p.yaml", []byte(text), o)
			if err != nil {
				t.Fatal(err)
			}
			r := ask(person("alice", "payments"), "pull a/b")
			if tt.edit != nil {
				tt.edit(&r)
			}
			if got := p.Decide(r).Granted != 0; got != tt.want {
				t.Errorf("granted: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestAnExceptIsClosedUntilTheGroupIsKnown: a can that excepts a group opens nothing while the directory is
// silent, and a renamed group stays excepted. What a cannot excepts is not held.
func TestAnExceptIsClosedUntilTheGroupIsKnown(t *testing.T) {
	t.Parallel()
	const text = "version: 1\nrules:\n- {who: signed-in, except: group:guests, can: push, repos: a/**}\n" +
		"- {who: anyone, except: group:release, cannot: push, repos: a/prod/**}\n"
	asked := 0
	o := options()
	o.FindGroup = func(_ context.Context, _, name string) ([]identity.Group, error) {
		asked++
		if name != "guests" {
			t.Errorf("asked for %s", name)
		}
		return nil, errors.New("away")
	}
	p, err := policyfile.Parse("p.yaml", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 || p.Decide(ask(person("alice", "release"), "push a/b")).Granted != 0 {
		t.Errorf("asked %d times; the can applies although its except is not known", asked)
	}
	o.FindGroup = func(context.Context, string, string) ([]identity.Group, error) {
		return []identity.Group{identity.NewGroup("id-1", "cn=visitors,dc=x", "visitors")}, nil
	}
	if p, err = policyfile.Parse("p.yaml", []byte(text), o); err != nil {
		t.Fatal(err)
	}
	renamed := person("alice")
	renamed.Groups = []identity.Group{identity.NewGroup("ID-1", "cn=visitors,dc=x", "visitors")}
	if p.Decide(ask(renamed, "push a/b")).Granted != 0 || p.Decide(ask(person("bob"), "push a/b")).Granted == 0 {
		t.Error("the excepted group is not held by its id")
	}
	if p.Decide(ask(person("rita", "release"), "push a/prod/b")).Granted == 0 || p.Decide(ask(person("bob"), "push a/prod/b")).Granted != 0 {
		t.Error("the except of the cannot")
	}
}
