package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// eachForm asks in every form that a client has for its credentials.
func eachForm(a client.Asker) map[string]func(context.Context, string, string, ...string) (client.Answer, error) {
	return map[string]func(context.Context, string, string, ...string) (client.Answer, error){"GET": a.Ask, "POST": a.Post}
}

// wantOperations asks in each form and fails unless all are answered with a status, at the price of so many
// operations of the directory.
func wantOperations(t *testing.T, d *slapd.Server, g *gate.Gate, user, password string, status int, want slapd.Operations) {
	t.Helper()
	for method, ask := range eachForm(g.Asker(serviceV3)) {
		mark := d.Mark(t)
		answer, err := ask(t.Context(), user, password, aScope)
		if err != nil || answer.Status != status {
			t.Errorf("%s as %.40q with a password of %d bytes = %d %s, %v, want %d", method, user, len(password), answer.Status, answer.Body, err, status)
		}
		if o := d.Since(t, mark); o != want {
			t.Errorf("%s as %.40q: operations = %+v, want %+v", method, user, o, want)
		}
	}
}

func TestP28_P29_P30_WhatNeverReachesTheDirectory(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	settle(t, d, g)
	for _, c := range []struct{ user, password string }{
		{"alice", ""},
		{"", d.Password},
		{"", "a-refresh-token-of-another-server"},
		{"ali\x00ce", d.Password},
		{"alice\n", d.Password},
		{"\x1b[2Jalice", d.Password},
		{strings.Repeat("a", 300), d.Password},
	} {
		wantOperations(t, d, g, c.user, c.password, http.StatusUnauthorized, slapd.Operations{})
	}
	mark := d.Mark(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.Realm()+"?service="+serviceV3+"&scope=repository:public/a:pull", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Basic Og==")
	answer, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK { // the policy has a rule for anyone
		t.Errorf("Basic Og== = %d, want 200 as nobody", answer.StatusCode)
	}
	if o := d.Since(t, mark); o != (slapd.Operations{}) {
		t.Errorf("Basic Og==: operations = %+v, want none", o)
	}
}

func TestP30_PasswordsReachTheDirectoryUnchanged(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	settle(t, d, g)
	for i, password := range []string{
		"a:b::c:", " leading and trailing ", "pässwörd ☃ \U0001F511", strings.Repeat("0123456789abcdef", 64), "%41+&=;\"\\", "tab\tand\nline",
	} {
		user := fmt.Sprintf("u%05d", i+10)
		d.SetPassword(t, user, password)
		mustGrant(t, g, user, password) // which finds the entry and the groups
		wantOperations(t, d, g, user, password, http.StatusOK, slapd.Operations{Binds: 1})
		if other := strings.TrimSpace(password) + "x"; other != password {
			answer, err := g.Asker(serviceV3).Ask(t.Context(), user, other)
			if err != nil || answer.Status != http.StatusUnauthorized {
				t.Errorf("a password beside that of %s = %d, %v, want 401", user, answer.Status, err)
			}
		}
	}
}

// TestP31_NamesAreNoFilters: with everybody's password, a name that would match somebody if it were read as part of
// a filter or of a DN matches nobody, and nobody is bound.
func TestP31_NamesAreNoFilters(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	settle(t, d, g)
	for _, name := range []string{
		"*", "a*", "ali*e", "alice)(uid=*", "*)(uid=*))(|(uid=*", "alice)(|(uid=*)", `\61lice`, `ali\63e`, "alice,ou=people", "uid=alice",
		d.PersonDN("alice"), "alice+cn=alice", `"alice"`, "(alice)", "alice#",
	} {
		for method, ask := range eachForm(g.Asker(serviceV3)) {
			mark := d.Mark(t)
			answer, err := ask(t.Context(), name, d.Password, aScope)
			if err != nil || answer.Status != http.StatusUnauthorized {
				t.Errorf("%s as %q = %d, %v, want 401", method, name, answer.Status, err)
			}
			if o := d.Since(t, mark); o.Binds != 0 {
				t.Errorf("%s as %q: operations = %+v, want no bind", method, name, o)
			}
		}
	}
	mustGrant(t, g, `#a+b=c;<d>"e"*f/g&h`, d.Password) // somebody is called that
}
