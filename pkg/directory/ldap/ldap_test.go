package ldap_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, method := range []ldap.Method{ldap.MemberSearch, ldap.MemberOf} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			addMemberOf(s)
			b := backend(t, options(func(o *ldap.Options) {
				o.Groups.Method = method
				o.Users.LoginAttributes = []string{"uid", "mail"}
			}, s))
			groups := []string{"cn=devs,ou=groups,dc=example,dc=org", "cn=staff,ou=groups,dc=example,dc=org"}
			if method == ldap.MemberSearch {
				groups = append(groups, "cn=mailers,ou=groups,dc=example,dc=org", "cn=primary,ou=groups,dc=example,dc=org")
			}
			directorytest.Run(t, directorytest.Harness{
				Backend: b,
				Known: directorytest.Account{
					Logins: []string{"alice", "ALICE", "alice@example.org"}, Name: "alice",
					Password: identity.NewSecret("alice-password"), Groups: groups,
				},
				Other: directorytest.Account{
					Logins: []string{"bob"}, Name: "bob", Password: identity.NewSecret("bob-password"),
					Groups: []string{"cn=staff,ou=groups,dc=example,dc=org"},
				},
				WrongPassword: identity.NewSecret("wrong"), Unknown: "nobody", Ambiguous: "twin@example.org",
				Down: func() { s.leave(errRefused) }, Up: func() { s.leave(nil) },
			})
		})
	}
}

// addMemberOf gives every entry the attribute memberOf, from the groups' own members.
func addMemberOf(s *fakeServer) {
	for _, g := range s.objects {
		for _, dn := range slices.Concat(g.attributes["member"], g.attributes["uniqueMember"]) {
			for _, o := range s.objects {
				if same(o.dn, dn) {
					o.attributes["memberOf"] = append(o.attributes["memberOf"], g.dn)
				}
			}
		}
	}
}

// login finds, proves and reads.
func login(ctx context.Context, b *ldap.Backend, name, password string) (directory.Account, error) {
	e, err := b.Find(ctx, name, 0)
	if err != nil {
		return directory.Account{}, err
	}
	p, err := b.Prove(ctx, e, identity.NewSecret(password), &slots{})
	if err != nil {
		return directory.Account{}, err
	}
	return b.Account(ctx, e, p, 0)
}

// names gives the names of groups, sorted; a group without a name is "-".
func names(groups []identity.Group) string {
	var out []string
	for _, g := range groups {
		switch {
		case g.ContestedKey() != "":
			out = append(out, "!"+g.ContestedKey())
		case g.Name == "":
			out = append(out, "-")
		default:
			out = append(out, g.Name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestLDAP11_NestedWithCycle: nested groups are found to the end, and a ring of groups ends.
func TestLDAP11_NestedWithCycle(t *testing.T) {
	t.Parallel()
	const levels = 30
	s := newFakeServer()
	for i := range levels {
		member := fmt.Sprintf("cn=deep%d,ou=groups,dc=example,dc=org", i-1)
		if i == 0 {
			member = "uid=émile,ou=people,dc=example,dc=org"
		}
		s.objects = append(s.objects, object{dn: fmt.Sprintf("cn=deep%d,ou=groups,dc=example,dc=org", i), attributes: map[string][]string{
			"objectClass": {"groupOfNames"}, "cn": {fmt.Sprintf("deep%d", i)}, "member": {member},
		}})
	}
	b := backend(t, options(nil, s))
	a, err := login(t.Context(), b, "carol", "carol-password")
	if err != nil || names(a.Groups) != "ring1 ring2" {
		t.Errorf("groups of carol = %q, %v, want both of the ring", names(a.Groups), err)
	}
	a, err = login(t.Context(), b, "émile", "émile-password")
	if err != nil || len(a.Groups) != levels {
		t.Errorf("groups of émile: %d, %v, want %d", len(a.Groups), err, levels)
	}
	shallow := backend(t, options(func(o *ldap.Options) { o.Groups.MaxDepth = 5 }, s))
	if a, err := login(t.Context(), shallow, "émile", "émile-password"); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("groups deeper than the cap: %q, %v, want ErrUnavailable and no part", names(a.Groups), err)
	}
}

// TestLDAP14_Operations: a cold login costs at most five operations and one more a level, a warm one a bind.
func TestLDAP14_Operations(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	b := backend(t, options(func(o *ldap.Options) { o.Groups.Nested = false }, s))
	a, err := login(t.Context(), b, "alice", "alice-password")
	if err != nil || names(a.Groups) != "devs mailers primary" {
		t.Fatalf("groups of alice = %q, %v", names(a.Groups), err)
	}
	if n := s.count(opSearch, "") + s.count(opBind, "uid="); n > 5 {
		t.Errorf("%d operations for a cold login, want at most 5", n)
	}
	e, err := b.Find(t.Context(), "alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	searches, binds, dials := s.count(opSearch, ""), s.count(opBind, "uid="), s.opened()
	const rounds = 20
	for range rounds {
		if _, err := b.Prove(t.Context(), e, identity.NewSecret("alice-password"), &slots{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.count(opSearch, "") - searches; got != 0 {
		t.Errorf("%d searches for warm binds, want none", got)
	}
	if got := s.count(opBind, "uid=") - binds; got != rounds {
		t.Errorf("%d binds for %d warm proofs", got, rounds)
	}
	if got := s.opened() - dials; got != 0 {
		t.Errorf("%d connections opened in steady state, want none", got)
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	b := backend(t, options(nil, newFakeServer()))
	e, err := b.Find(t.Context(), "alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC); !e.PasswordChanged.Equal(want) {
		t.Errorf("PasswordChanged = %v, want %v", e.PasswordChanged, want)
	}
	for _, login := range []string{"", "a\x00b", "a\nb", "a\u0085b", "\xff", strings.Repeat("a", 257)} {
		_, err := b.Find(t.Context(), login, 0)
		if refusal, ok := errors.AsType[*identity.AccountError](err); !ok || refusal.Reason != identity.ReasonBadName {
			t.Errorf("Find(%q): %v, want bad_name", login, err)
		}
	}
}

func TestEntryWithoutID(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	b := backend(t, options(func(o *ldap.Options) { o.Users.IDAttribute = "objectGUID" }, s))
	_, err := b.Find(t.Context(), "alice", 0)
	if !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), "objectGUID") {
		t.Errorf("Find of an entry without id: %v, want ErrUnavailable that names the attribute", err)
	}
}

// TestNamesOfGroups: only a group below the groups base DN has a name, and only while no other one has it.
func TestNamesOfGroups(t *testing.T) {
	t.Parallel()
	type edit func(*fakeServer, *ldap.Options)
	add := func(dn string, cn ...string) edit {
		return func(s *fakeServer, _ *ldap.Options) {
			s.objects = append(s.objects, object{dn: dn, attributes: map[string][]string{
				"objectClass": {"groupOfNames"}, "cn": cn, "member": {"uid=bob,ou=people,dc=example,dc=org"},
			}})
		}
	}
	tests := []struct {
		name string
		edit edit
		want string
	}{
		{"as it is", nil, "staff"},
		{"no groups base", func(_ *fakeServer, o *ldap.Options) { o.Groups.BaseDN = "" }, "-"},
		{"no border of an RDN", func(_ *fakeServer, o *ldap.Options) { o.Groups.BaseDN = "cn=staff,ou=groups,dc=example,dc=org" }, "-"},
		{"same name in another place", add("cn=staff,ou=old,ou=groups,dc=example,dc=org", "Staff"), "!staff !staff"},
		{"same name as a second value", add("cn=other,ou=groups,dc=example,dc=org", "other", "STAFF"), "!staff other"},
		{"name of the RDN", add("cn=other,ou=groups,dc=example,dc=org", "first", "other"), "other staff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			var warned []string
			o := options(func(o *ldap.Options) {
				o.Observer.AmbiguousGroup = func(name string) { warned = append(warned, name) }
				if tt.edit != nil {
					tt.edit(s, o)
				}
			}, s)
			b := backend(t, o)
			for range 2 {
				a, err := login(t.Context(), b, "bob", "bob-password")
				if err != nil || names(a.Groups) != tt.want {
					t.Errorf("names = %q, %v, want %q", names(a.Groups), err, tt.want)
				}
			}
			if ambiguous := strings.HasPrefix(tt.name, "same"); ambiguous != (len(warned) == 1) {
				t.Errorf("warned of %q", warned)
			}
		})
	}
}

// TestLDAP19_Limits: more groups than the server gives at once are read in pages, smaller ones if need be;
// what cannot be completed is no answer.
func TestLDAP19_Limits(t *testing.T) {
	t.Parallel()
	const many = 120
	tests := []struct {
		name    string
		maxPage int64
		ok      bool
	}{
		{"pages", 1000, true},
		{"smaller pages", 40, true},
		{"no page is small enough", 5, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.limit, s.maxPage = 50, tt.maxPage
			for i := range many {
				cn := fmt.Sprintf("many%d", i)
				s.objects = append(s.objects, object{dn: "cn=" + cn + ",ou=groups,dc=example,dc=org", attributes: map[string][]string{
					"objectClass": {"groupOfNames"}, "cn": {cn}, "member": {"uid=émile,ou=people,dc=example,dc=org"},
				}})
			}
			a, err := login(t.Context(), backend(t, options(nil, s)), "émile", "émile-password")
			if !tt.ok {
				if !errors.Is(err, identity.ErrUnavailable) {
					t.Errorf("%d groups, %v, want ErrUnavailable", len(a.Groups), err)
				}
				return
			}
			if err != nil || len(a.Groups) != many {
				t.Errorf("%d groups, %v, want %d", len(a.Groups), err, many)
			}
		})
	}
}

// TestLDAP23_GroupsUnreadable: a missing base or a failed search is never "no groups".
func TestLDAP23_GroupsUnreadable(t *testing.T) {
	t.Parallel()
	for _, code := range []int64{1, 3, 4, 10, 11, 32, 50, 51, 53, 80} {
		t.Run(fmt.Sprintf("result %d", code), func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.on(func(r request) *answer {
				if r.op == opSearch && strings.HasPrefix(r.dn, "ou=groups") {
					return &answer{result: true, code: code}
				}
				return nil
			})
			a, err := login(t.Context(), backend(t, options(nil, s)), "alice", "alice-password")
			if !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrInvalidCredentials) {
				t.Errorf("groups %q, %v, want ErrUnavailable", names(a.Groups), err)
			}
		})
	}
}

// TestMemberOfWithoutEntryDN: groups are read one by one where they cannot be searched by DN; one that may
// not be read counts by its DN.
func TestMemberOfWithoutEntryDN(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	addMemberOf(s)
	s.noEntryDN = true
	for _, o := range s.objects {
		if strings.HasPrefix(o.dn, "uid=bob") {
			maps.Copy(o.attributes, map[string][]string{"memberOf": append(o.attributes["memberOf"], "cn=hidden,dc=example,dc=org")})
		}
	}
	b := backend(t, options(func(o *ldap.Options) { o.Groups.Method = ldap.MemberOf }, s))
	a, err := login(t.Context(), b, "bob", "bob-password")
	if err != nil || names(a.Groups) != "- staff" {
		t.Errorf("groups = %q, %v, want staff and a nameless one", names(a.Groups), err)
	}
}

func TestFindGroup(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	s.objects = append(s.objects, object{dn: "cn=outside,dc=example,dc=org", attributes: map[string][]string{
		"objectClass": {"groupOfNames"}, "cn": {"outside"}, "entryUUID": {"id-outside"},
	}})
	b := backend(t, options(nil, s))
	for _, tt := range []struct{ text, want string }{
		{"devs", "devs"},
		{"DEVS", "devs"},
		{"id-devs", "devs"},
		{"CN=Devs, OU=Groups, DC=example, DC=org", "devs"},
		{"cn=outside,dc=example,dc=org", "-"},
		{"id-outside", "-"},
		{"outside", ""},
		{"d*", ""},
		{"", ""},
		{"a\x00", ""},
		{"cn=none,dc=example,dc=org", ""},
	} {
		groups, err := b.FindGroup(t.Context(), tt.text)
		if err != nil || names(groups) != tt.want {
			t.Errorf("FindGroup(%q) = %q, %v, want %q", tt.text, names(groups), err, tt.want)
		}
	}
}

// TestEntriesAreAsOldAsTheQuestion: an entry is from when the directory was asked, however long the answer took.
func TestEntriesAreAsOldAsTheQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeServer()
		b, stop := running(t, options(nil, s))
		defer stop()
		synctest.Wait()
		s.on(func(r request) *answer {
			if r.op == opSearch {
				time.Sleep(time.Second)
			}
			return nil
		})
		asked := time.Now()
		e, err := b.Find(t.Context(), "alice", 0)
		if err != nil || e.ReadAt.After(asked) {
			t.Errorf("Find: read at %v, %v, want no later than the question at %v", e.ReadAt, err, asked)
		}
	})
}
