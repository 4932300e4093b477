package ldap_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestCanonicalNameIsOnesOwn: whoever may write one login attribute of their own entry, such as mail, does not
// become somebody else by it. The canonical name counts only where it leads back to the same entry.
func TestCanonicalNameIsOnesOwn(t *testing.T) {
	t.Parallel()
	person := func(uid string, names, mails []string) object {
		return object{dn: "uid=" + uid + ",ou=people,dc=example,dc=org", attributes: map[string][]string{
			"objectClass": {"person"}, "uid": names, "mail": mails, "entryUUID": {"id-" + uid},
		}}
	}
	tests := []struct {
		name       string
		attributes []string
		mallory    object
		login      string
		want       string // canonical name; empty: refused as ambiguous
		searches   int
	}{
		{"canonical name typed", []string{"mail", "uid"}, person("mallory", []string{"mallory"}, []string{"m@example.org"}), "m@example.org", "m@example.org", 1},
		{"other case typed", []string{"mail", "uid"}, person("mallory", []string{"mallory"}, []string{"m@example.org"}), "M@Example.org", "m@example.org", 1},
		{"another login attribute", []string{"mail", "uid"}, person("mallory", []string{"mallory"}, []string{"m@example.org"}), "mallory", "m@example.org", 2},
		{"mail of alice", []string{"mail", "uid"}, person("mallory", []string{"mallory"}, []string{"alice@example.org"}), "mallory", "", 2},
		{"login name of alice as mail", []string{"mail", "uid"}, person("mallory", []string{"mallory"}, []string{"alice"}), "mallory", "", 2},
		{"login name of alice as a second value", []string{"uid"}, person("mallory", []string{"alice", "mallory"}, nil), "mallory", "mallory", 1},
		{"second value typed", []string{"uid"}, person("mallory", []string{"mal", "mallory"}, nil), "mal", "mallory", 2},
		{"name of the RDN", []string{"uid"}, person("mallory", []string{"mal", "mallory"}, nil), "mallory", "mallory", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.objects = append(s.objects, tt.mallory)
			b := backend(t, options(func(o *ldap.Options) { o.Users.LoginAttributes = tt.attributes }, s))
			e, err := b.Find(t.Context(), tt.login, 0)
			refusal, refused := errors.AsType[*identity.AccountError](err)
			if ambiguous := refused && refusal.Reason == identity.ReasonAmbiguous; e.Name != tt.want || ambiguous != (tt.want == "") {
				t.Errorf("Find(%q) = %q, %v, want %q", tt.login, e.Name, err, tt.want)
			}
			if n := s.count(opSearch, ""); n != tt.searches {
				t.Errorf("%d searches, want %d", n, tt.searches)
			}
		})
	}
}

// TestEntryWithoutName: an account that lacks the canonical name is refused, and said so; it is no outage. An entry that
// was found by that name and does not show it is a matter of rights, of which nobody's password is to blame.
func TestEntryWithoutName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		attributes []string
		entry      map[string][]string
		login      string
		refused    bool
		says       string
	}{
		"found by mail": {
			[]string{"uid", "mail"},
			map[string][]string{"objectClass": {"person"}, "mail": {"half@example.org"}, "entryUUID": {"id-half"}},
			"half@example.org", true, "has no uid",
		},
		"no id": {
			[]string{"uid", "mail"},
			map[string][]string{"objectClass": {"person"}, "uid": {"half"}},
			"half", false, "has no entryUUID",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.objects = append(s.objects, object{"cn=half,ou=people,dc=example,dc=org", tt.entry})
			b := backend(t, options(func(o *ldap.Options) { o.Users.LoginAttributes = tt.attributes }, s))
			_, err := b.Find(t.Context(), tt.login, 0)
			refusal, refused := errors.AsType[*identity.AccountError](err)
			if refused != tt.refused || refused && (refusal.Reason != identity.ReasonNotFound || !strings.Contains(refusal.Detail, tt.says)) {
				t.Errorf("Find(%q) = %v, want refused = %t with %q", tt.login, err, tt.refused, tt.says)
			}
			if unavailable := errors.Is(err, identity.ErrUnavailable); unavailable == tt.refused || unavailable && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Find(%q) = %v, want unavailable = %t with %q", tt.login, err, !tt.refused, tt.says)
			}
		})
	}
}

// TestGroupsAnywhere: a group outside the groups base DN counts by its DN and id, so that a rule about it, and
// above all one that takes away, does not miss its members. It never has a name, nor do its members by it.
func TestGroupsAnywhere(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	group := func(dn, cn string, members ...string) object {
		return object{dn: dn, attributes: map[string][]string{
			"objectClass": {"groupOfNames"}, "cn": {cn}, "entryUUID": {"id-" + cn}, "member": members,
		}}
	}
	s.objects = append(s.objects,
		group("cn=banned,ou=elsewhere,dc=example,dc=org", "banned", "uid=bob,ou=people,dc=example,dc=org"),
		group("cn=staff,ou=elsewhere,dc=example,dc=org", "staff", "uid=carol,ou=people,dc=example,dc=org"),
	)
	b := backend(t, options(nil, s))
	for name, want := range map[string]string{"bob": "- staff", "carol": "- ring1 ring2"} {
		a, err := login(t.Context(), b, name, name+"-password")
		if err != nil || names(a.Groups) != want {
			t.Errorf("groups of %s = %q, %v, want %q", name, names(a.Groups), err, want)
		}
	}
}
