package ldap_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// agedAt is when the tests of this file look, and monthOld when bob's password changed.
var agedAt = time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)

const monthOld = "20260103000000Z"

// agedBob is a backend with bob, who has some more attributes, and with policies.
func agedBob(t *testing.T, has map[string][]string, policies ...object) (*ldap.Backend, *fakeServer, directory.Entry) {
	t.Helper()
	s := newFakeServer()
	s.objects = slices.Concat(s.objects, policies)
	for i, o := range s.objects {
		if o.dn == "uid=bob,ou=people,dc=example,dc=org" {
			maps.Copy(s.objects[i].attributes, map[string][]string{"pwdChangedTime": {monthOld}})
			maps.Copy(s.objects[i].attributes, has)
		}
	}
	b := backend(t, options(func(o *ldap.Options) {
		o.Users.State, o.Now = ldap.PasswordPolicyState, func() time.Time { return agedAt }
	}, s))
	e, err := b.Find(t.Context(), "bob", 0)
	if err != nil {
		t.Fatal(err)
	}
	return b, s, e
}

// agingPolicy is a password policy; more are its attributes by name and value.
func agingPolicy(cn string, more ...string) object {
	a := map[string][]string{"objectClass": {"pwdPolicy"}, "pwdAttribute": {"userPassword"}}
	for pair := range slices.Chunk(more, 2) {
		a[pair[0]] = pair[1:]
	}
	return object{"cn=" + cn + ",dc=example,dc=org", a}
}

// TestLDAP64_PasswordsThatAPolicyEnds: without a bind, the policy that an account names says whether its password still
// works. What cannot be read says nothing.
func TestLDAP64_PasswordsThatAPolicyEnds(t *testing.T) {
	t.Parallel()
	const day, years = "86400", "100000000"
	type attributes = map[string][]string
	tests := []struct {
		name   string
		has    attributes
		policy object
		want   identity.Reason
	}{
		{"too old", nil, agingPolicy("own", "pwdMaxAge", day), identity.ReasonPasswordExpired},
		{"young enough", nil, agingPolicy("own", "pwdMaxAge", years), ""},
		{"at the end", attributes{"pwdChangedTime": {"20260202000000Z"}}, agingPolicy("own", "pwdMaxAge", day), identity.ReasonPasswordExpired},
		{"a second before", attributes{"pwdChangedTime": {"20260202000001Z"}}, agingPolicy("own", "pwdMaxAge", day), ""},
		{"no end", nil, agingPolicy("own"), ""},
		{"zero is no end", nil, agingPolicy("own", "pwdMaxAge", "0"), ""},
		{"never changed", attributes{"pwdChangedTime": nil}, agingPolicy("own", "pwdMaxAge", day), ""},
		{"nonsense", nil, agingPolicy("own", "pwdMaxAge", "x"), ""},
		{"a policy that may not be read", nil, object{"cn=own,dc=example,dc=org", nil}, ""},
		{"another policy", nil, agingPolicy("another", "pwdMaxAge", day), ""},
		{"no policy of its own", attributes{"pwdPolicySubentry": nil}, agingPolicy("own", "pwdMaxAge", day), ""},
		{"grace logins left", attributes{"pwdGraceUseTime": {"20260201000000Z"}}, agingPolicy("own", "pwdMaxAge", day, "pwdGraceAuthNLimit", "2"), ""},
		{
			"no grace login left",
			attributes{"pwdGraceUseTime": {"20260201000000Z", "20260201000001Z"}},
			agingPolicy("own", "pwdMaxAge", day, "pwdGraceAuthNLimit", "2"), identity.ReasonPasswordExpired,
		},
		{"a time for grace logins", nil, agingPolicy("own", "pwdMaxAge", day, "pwdGraceAuthNLimit", "2", "pwdGraceExpiry", years), ""},
		{"no time for grace logins", nil, agingPolicy("own", "pwdMaxAge", day, "pwdGraceAuthNLimit", "2", "pwdGraceExpiry", day), identity.ReasonPasswordExpired},
		{"must be changed, and is too old", attributes{"pwdReset": {"TRUE"}}, agingPolicy("own", "pwdMaxAge", day), identity.ReasonMustChange},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			has := attributes{"pwdPolicySubentry": {"cn=own,dc=example,dc=org"}}
			maps.Copy(has, tt.has)
			b, _, e := agedBob(t, has, tt.policy)
			_, err := b.Account(t.Context(), e, directory.Proof{}, 0)
			if got := reasonOf(err); got != tt.want || tt.want == "" && err != nil {
				t.Errorf("Account = %v, want the reason %q", err, tt.want)
			}
			if tt.want == identity.ReasonPasswordExpired && !strings.Contains(fmt.Sprint(err), "pwdMaxAge of cn=own") {
				t.Errorf("Account = %v, want it to name the policy", err)
			}
			p, err := b.Prove(t.Context(), e, identity.NewSecret("bob-password"), &slots{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Account(t.Context(), e, p, 0); tt.want == identity.ReasonPasswordExpired && err != nil {
				t.Errorf("after a bind that succeeded: %v", err)
			}
		})
	}
}

// TestPoliciesOfPasswordsAreRemembered: to look at an account without a bind costs one search, and one more for its policy
// once in ten minutes; after a bind it is never looked at.
func TestPoliciesOfPasswordsAreRemembered(t *testing.T) {
	t.Parallel()
	const policy = "cn=own,dc=example,dc=org"
	b, s, e := agedBob(t, map[string][]string{"pwdPolicySubentry": {policy}}, agingPolicy("own", "pwdMaxAge", "100000000"))
	s.forget()
	p, err := b.Prove(t.Context(), e, identity.NewSecret("bob-password"), &slots{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Account(t.Context(), e, p, 0); err != nil || s.count(opSearch, policy) != 0 {
		t.Errorf("after a bind: %v, and the policy was read %d times, want 0", err, s.count(opSearch, policy))
	}
	for range 3 {
		if _, err := b.Account(t.Context(), e, directory.Proof{}, 0); err != nil || s.count(opSearch, policy) != 1 {
			t.Errorf("without one: %v, and the policy was read %d times, want once", err, s.count(opSearch, policy))
		}
	}
}

// TestPasswordExpiry: what check tells of an account. Which policy those have that name none is not told, so it is the
// laxest that can be read, and not certain.
func TestPasswordExpiry(t *testing.T) {
	t.Parallel()
	const day, week = "86400", "604800"
	named := map[string][]string{"pwdPolicySubentry": {"cn=own,dc=example,dc=org"}}
	short, long := agingPolicy("own", "pwdMaxAge", day), agingPolicy("another", "pwdMaxAge", week)
	changed := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name     string
		has      map[string][]string
		policies []object
		want     ldap.PasswordExpiry
	}{
		{"named", named, []object{short, long}, ldap.PasswordExpiry{At: changed.AddDate(0, 0, 1), Origin: "pwdMaxAge of cn=own,dc=example,dc=org", Certain: true}},
		{"named, without end", named, []object{agingPolicy("own"), long}, ldap.PasswordExpiry{}},
		{"named, unreadable", named, []object{long}, ldap.PasswordExpiry{}},
		{"none", nil, nil, ldap.PasswordExpiry{}},
		{"one", nil, []object{short}, ldap.PasswordExpiry{At: changed.AddDate(0, 0, 1), Origin: "pwdMaxAge of cn=own,dc=example,dc=org"}},
		{"the laxest", nil, []object{short, long}, ldap.PasswordExpiry{At: changed.AddDate(0, 0, 7), Origin: "pwdMaxAge of cn=another,dc=example,dc=org"}},
		{"one without end", nil, []object{long, agingPolicy("own")}, ldap.PasswordExpiry{}},
		{"one that may not be read", nil, []object{long, {"cn=own,dc=example,dc=org", map[string][]string{"objectClass": {"pwdPolicy"}}}}, ldap.PasswordExpiry{}},
		{"never changed", map[string][]string{"pwdChangedTime": nil}, []object{short}, ldap.PasswordExpiry{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, _, e := agedBob(t, tt.has, tt.policies...)
			if got := b.PasswordExpiry(t.Context(), e); got != tt.want {
				t.Errorf("PasswordExpiry = %+v, want %+v", got, tt.want)
			}
		})
	}
}
