package backend_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// methods are those that Active Directory has.
func methods() []ldap.Method {
	return []ldap.Method{ldap.TokenGroups, ldap.InChain, ldap.MemberOf, ldap.MemberSearch}
}

// TestLDAP11_12_13_Groups: rings, deep chains, the primary group and what it is nested in, groups of every scope; no
// distribution groups; BUILTIN groups by their SID only, even where everything below the domain has a name.
func TestLDAP11_12_13_Groups(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	u := s.AddUser(t, samba.User{Name: "scopes"})
	s.AddGroup(t, samba.Global, "sc-global", u)
	s.AddGroup(t, samba.Universal, "sc-universal", s.GroupDN("sc-global"))
	s.AddGroup(t, samba.DomainLocal, "sc-local", s.GroupDN("sc-universal"))
	s.AddGroup(t, samba.Distribution, "sc-news", u)
	want := map[string]string{
		"scopes": "Domain Users sc-global sc-local sc-universal",
		"prim":   primGroups(t, s, "Domain Users dl-registry gl-devs un-eng"),
		"nora":   "Domain Users nest-1 nest-2 nest-3 nest-4",
	}
	for _, method := range methods() {
		b := start(t, windows(t, s, func(o *ldap.Options) { o.Groups.Method, o.Groups.BaseDN = method, s.BaseDN }))
		for name, groups := range want {
			_, a, err := login(t.Context(), b, name, s.Password)
			got, nameless := names(a.Groups)
			if err != nil || got != groups || nameless != 1 {
				t.Errorf("%s: groups of %s = %q and %d without a name, %v, want %q and BUILTIN\\Users", method, name, got, nameless, err, groups)
			}
			if !slices.ContainsFunc(a.Groups, func(g identity.Group) bool { return g.ID == "S-1-5-32-545" && g.Name == "" }) {
				t.Errorf("%s: %s is not in S-1-5-32-545", method, name)
			}
		}
		for name, levels := range map[string]int{"carol": 10, "dana": 30} {
			_, a, err := login(t.Context(), b, name, s.Password)
			prefix, n := map[string]string{"carol": "cyc-", "dana": "deep-"}[name], 0
			for _, g := range a.Groups {
				if strings.HasPrefix(g.Name, prefix) {
					n++
				}
			}
			if err != nil || n != levels || len(a.Groups) != levels+2 {
				t.Errorf("%s: groups of %s: %d of %d, %v, want %d and two more", method, name, n, len(a.Groups), err, levels)
			}
		}
	}
}

// primGroups is whether prim is in Domain Users besides its primary group.
func primGroups(t *testing.T, s *samba.Server, with string) string {
	t.Helper()
	for _, dn := range s.Read(t, s.UserDN("prim"), "memberOf").GetAttributeValues("memberOf") {
		if strings.HasPrefix(dn, "CN=Domain Users,") {
			return with
		}
	}
	return strings.TrimPrefix(with, "Domain Users ")
}

// TestLDAP13_DistributionOptIn: a distribution group counts where the filter lets it in.
func TestLDAP13_DistributionOptIn(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	u := s.AddUser(t, samba.User{Name: "reader"})
	s.AddGroup(t, samba.Distribution, "rd-news", u)
	for _, method := range []ldap.Method{ldap.InChain, ldap.MemberOf} {
		b := start(t, windows(t, s, func(o *ldap.Options) { o.Groups.Method, o.Groups.Filter = method, "(objectCategory=group)" }))
		_, a, err := login(t.Context(), b, "reader", s.Password)
		if got, _ := names(a.Groups); err != nil || got != "rd-news" {
			t.Errorf("%s: groups = %q, %v, want rd-news", method, got, err)
		}
	}
}

// TestLDAP15_SameCN: two groups of one CN are told apart, and the short name is the sAMAccountName, which only one has.
func TestLDAP15_SameCN(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	left, right := s.AddUser(t, samba.User{Name: "left"}), s.AddUser(t, samba.User{Name: "right"})
	s.AddUnit(t, "OU=West,"+s.GroupsDN)
	s.AddGroupAt(t, samba.Global, "CN=twins,"+s.GroupsDN, "twins", left)
	s.AddGroupAt(t, samba.Global, "CN=twins,OU=West,"+s.GroupsDN, "twins-west", right)
	b := start(t, windows(t, s, nil))
	for name, want := range map[string]string{"left": "twins", "right": "twins-west"} {
		_, a, err := login(t.Context(), b, name, s.Password)
		if got, _ := names(a.Groups); err != nil || got != want {
			t.Errorf("groups of %s = %q, %v, want %q", name, got, err, want)
		}
	}
	sid := ""
	for text, want := range map[string]string{
		"twins": "twins", "TWINS-West": "twins-west", "CN=twins,OU=West," + s.GroupsDN: "twins-west", "cn=TWINS, " + s.GroupsDN: "twins",
	} {
		groups, err := b.FindGroup(t.Context(), text)
		if err != nil || len(groups) != 1 || groups[0].Name != want || !strings.HasPrefix(groups[0].ID, "S-1-5-21-") {
			t.Errorf("FindGroup(%q) = %v, %v, want %s", text, groups, err, want)
			continue
		}
		sid = groups[0].ID
	}
	if groups, err := b.FindGroup(t.Context(), sid); err != nil || len(groups) != 1 || groups[0].ID != sid {
		t.Errorf("FindGroup(%q) = %v, %v", sid, groups, err)
	}
	guid := guidOf(s.Read(t, s.GroupDN("twins"), "objectGUID").GetRawAttributeValue("objectGUID"))
	if groups, err := b.FindGroup(t.Context(), guid); err != nil || len(groups) != 1 || groups[0].Name != "twins" {
		t.Errorf("FindGroup(%q) = %v, %v, want twins", guid, groups, err)
	}
	for _, nobody := range []string{"twins*", "no such group", "S-1-5-21-1-2-3-4", "CN=none," + s.GroupsDN} {
		if groups, err := b.FindGroup(t.Context(), nobody); err != nil || len(groups) != 0 {
			t.Errorf("FindGroup(%q) = %v, %v, want none", nobody, groups, err)
		}
	}
}

// guidOf writes an objectGUID as text, in the test's own way.
func guidOf(raw []byte) string {
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x",
		raw[3], raw[2], raw[1], raw[0], raw[5], raw[4], raw[7], raw[6], raw[8:10], raw[10:])
}

// TestLDAP16_RenamedGroup: the SID of a group that was renamed and moved goes on; its new name counts once the old one is
// no longer remembered.
func TestLDAP16_RenamedGroup(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	u := s.AddUser(t, samba.User{Name: "member16"})
	s.AddUnit(t, "OU=Moved,"+s.GroupsDN)
	s.AddGroup(t, samba.Global, "before16", u)
	clock := &clock{}
	b := start(t, windows(t, s, func(o *ldap.Options) { o.Now = clock.now }))
	_, first, err := login(t.Context(), b, "member16", s.Password)
	if got, _ := names(first.Groups); err != nil || got != "before16" {
		t.Fatalf("groups = %q, %v", got, err)
	}
	s.Set(t, s.GroupDN("before16"), "sAMAccountName", "after16")
	s.Move(t, s.GroupDN("before16"), "CN=after16", "OU=Moved,"+s.GroupsDN)
	clock.advance(10 * time.Minute)
	_, second, err := login(t.Context(), b, "member16", s.Password)
	if got, _ := names(second.Groups); err != nil || got != "after16" {
		t.Errorf("groups after the move = %q, %v, want after16", got, err)
	}
	if a, b := idOfNamed(first.Groups, "before16"), idOfNamed(second.Groups, "after16"); a == "" || a != b {
		t.Errorf("the id was %q and is %q", a, b)
	}
}

// idOfNamed gives the id of the group with a name.
func idOfNamed(groups []identity.Group, name string) string {
	for _, g := range groups {
		if g.Name == name {
			return g.ID
		}
	}
	return ""
}

// TestLDAP21_InChainNeedsActiveDirectory: a server that would answer a search by chains with nothing is not asked.
func TestLDAP21_InChainNeedsActiveDirectory(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Options{Plain: true})
	for _, method := range []ldap.Method{ldap.InChain, ldap.TokenGroups} {
		b := start(t, openLDAP(s, method))
		e, err := b.Find(t.Context(), "alice", 0)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := b.Account(t.Context(), e, directory.Proof{}, 0); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("%s: groups = %v, %v, want ErrUnavailable", method, a.Groups, err)
		}
		if status := b.Probe(t.Context()); len(status) != 1 || status[0].Err == nil || !strings.Contains(status[0].Err.Error(), "member_search") {
			t.Errorf("%s: Probe = %+v, want a fault that names the remedy", method, status)
		}
	}
}
