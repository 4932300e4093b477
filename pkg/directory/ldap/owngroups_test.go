package ldap_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestGroupsComeWithTheOwnEntry: to look at an account's own entry again costs no search of its own, and gives the same
// groups as without a look.
func TestGroupsComeWithTheOwnEntry(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"alice", "carol", "émile"} {
		unseen := newFakeServer()
		want, err := login(t.Context(), backend(t, options(withState(ldap.NoState), unseen)), who, who+"-password")
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range []ldap.State{ldap.PasswordPolicyState, ldap.NsAccountLockState} {
			s := newFakeServer()
			got, err := login(t.Context(), backend(t, options(withState(state), s)), who, who+"-password")
			if err != nil || names(got.Groups) != names(want.Groups) {
				t.Errorf("%s: groups of %s = %q, %v, want %q", state, who, names(got.Groups), err, names(want.Groups))
			}
			if n, most := s.count(opSearch, ""), unseen.count(opSearch, ""); n > most {
				t.Errorf("%s: %d searches for %s, want %d", state, n, who, most)
			}
		}
	}
}

// TestOwnEntryBetweenBindAndGroups: an account that changed after it was found has its own groups or none.
func TestOwnEntryBetweenBindAndGroups(t *testing.T) {
	t.Parallel()
	const dn = "uid=alice,ou=people,dc=example,dc=org"
	tests := []struct {
		name   string
		change func(*fakeServer, *object)
		reason identity.Reason
		groups string
	}{
		{"as it was", func(*fakeServer, *object) {}, "", "devs mailers primary staff"},
		{"DN is another's", func(_ *fakeServer, o *object) { o.attributes["entryUUID"] = []string{"another"} }, identity.ReasonNotFound, ""},
		{"renamed", func(_ *fakeServer, o *object) { o.attributes["uid"] = []string{"alicia"} }, identity.ReasonNotFound, ""},
		{"moved away", func(_ *fakeServer, o *object) { o.dn = "uid=alice,ou=former,dc=example,dc=org" }, identity.ReasonNotFound, ""},
		{"reset", func(_ *fakeServer, o *object) { o.attributes["pwdReset"] = []string{"TRUE"} }, identity.ReasonMustChange, ""},
		{"in itself", func(_ *fakeServer, o *object) { o.attributes["member"] = []string{dn} }, "", "devs mailers primary staff"},
		{"no such searches", func(s *fakeServer, _ *object) {
			s.on(func(r request) *answer {
				if r.op == opSearch && strings.Contains(string(r.packet.Bytes()), "pwdReset") && r.dn == "dc=example,dc=org" {
					return &answer{code: 50, result: true}
				}
				return nil
			})
		}, "", "devs mailers primary staff"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			b := backend(t, options(func(o *ldap.Options) {
				o.Users.State, o.Users.BaseDN = ldap.PasswordPolicyState, "ou=people,dc=example,dc=org"
			}, s))
			e, err := b.Find(t.Context(), "alice", 0)
			if err != nil {
				t.Fatal(err)
			}
			p, err := b.Prove(t.Context(), e, identity.NewSecret("alice-password"), &slots{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range s.objects {
				if s.objects[i].dn == dn {
					test.change(s, &s.objects[i])
				}
			}
			a, err := b.Account(t.Context(), e, p, 0)
			if got := reasonOf(err); got != test.reason || names(a.Groups) != test.groups {
				t.Errorf("Account = %q, %v, want %q and reason %q", names(a.Groups), err, test.groups, test.reason)
			}
		})
	}
}

// reasonOf gives the reason of a refusal.
func reasonOf(err error) identity.Reason {
	if refusal, ok := errors.AsType[*identity.AccountError](err); ok {
		return refusal.Reason
	}
	return ""
}

// TestGroupWithADNThatCannotBeRead: such a group counts by its id, so that a rule that takes rights away by the id holds,
// and so do the groups above it.
func TestGroupWithADNThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*ldap.Options){
		"alone": withState(ldap.NoState), "with the own entry": withState(ldap.PasswordPolicyState),
		"member_of": func(o *ldap.Options) { o.Groups.Method = ldap.MemberOf },
	} {
		s := newFakeServer()
		const odd, above = `cn=odd"name,ou=groups,dc=example,dc=org`, "cn=above,ou=groups,dc=example,dc=org"
		for i, o := range s.objects {
			if o.dn == "uid=bob,ou=people,dc=example,dc=org" {
				s.objects[i].attributes["memberOf"] = []string{odd}
			}
		}
		s.objects = append(s.objects,
			object{odd, map[string][]string{
				"objectClass": {"groupOfNames"}, "cn": {`odd"name`}, "entryUUID": {"odd-id"}, "memberOf": {above}, "member": {"uid=bob,ou=people,dc=example,dc=org"},
			}},
			object{above, map[string][]string{
				"objectClass": {"groupOfNames"}, "cn": {"above"}, "entryUUID": {"above-id"}, "member": {odd},
			}})
		account, err := login(t.Context(), backend(t, options(edit, s)), "bob", "bob-password")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"odd-id", "above-id"} {
			if !slices.ContainsFunc(account.Groups, func(g identity.Group) bool { return g.ID == id }) {
				t.Errorf("%s: groups of bob = %v, want one with the id %q", name, names(account.Groups), id)
			}
		}
	}
}
