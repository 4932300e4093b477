package ldap_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP20_Ranges: values that come in pieces are read to the end, and pieces that do not fit are no answer.
func TestLDAP20_Ranges(t *testing.T) {
	t.Parallel()
	const groups, size = 25, 10
	whole := func(from, to int) string {
		if to >= groups {
			return fmt.Sprintf("%d-*", from)
		}
		return fmt.Sprintf("%d-%d", from, to-1)
	}
	tests := []struct {
		name    string
		rangeOf func(from, to int) string
		drop    int // values that are missing of each piece
		want    int // zero: no answer
	}{
		{"followed", whole, 0, groups},
		{"short piece", whole, 1, 0},
		{"wrong start", func(from, to int) string { return whole(from+1, to) }, 0, 0},
		{"no end", func(from, _ int) string { return fmt.Sprintf("%d-%d", from, from+size-1) }, 0, 0},
		{"no number", func(int, int) string { return "0-x" }, 0, 0},
		{"no range", func(int, int) string { return "" }, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			var dns []string
			for i := range groups {
				dn := fmt.Sprintf("CN=many%d,OU=groups,DC=example,DC=org", i)
				dns = append(dns, dn)
				s.objects = append(s.objects, object{dn: dn, attributes: map[string][]string{
					"objectClass": {"group"}, "sAMAccountName": {fmt.Sprintf("many%d", i)}, "objectSid": {rawSID(uint32(2000 + i))},
					"distinguishedName": {dn},
				}})
			}
			alice := slices.IndexFunc(s.objects, func(o object) bool { return strings.HasPrefix(o.dn, "CN=Alice") })
			s.on(func(r request) *answer {
				if r.op != opSearch || !strings.Contains(s.named(r.dn), "Alice") {
					return nil
				}
				from := 0
				for _, a := range asked(r) {
					if rest, ok := strings.CutPrefix(a, "memberOf;range="); ok {
						text, _, _ := strings.Cut(rest, "-")
						from, _ = strconv.Atoi(text)
					}
				}
				o := object{dn: s.objects[alice].dn, attributes: map[string][]string{}}
				for name, values := range s.objects[alice].attributes {
					if name != "memberOf" {
						o.attributes[name] = values
					}
				}
				if from < groups {
					to := min(from+size, groups)
					o.attributes["memberOf;range="+tt.rangeOf(from, to)] = dns[from : to-tt.drop]
				}
				return &answer{raw: append(entry(r.id, o), result(r, 0, nil)...)}
			})
			b := backend(t, windowsOptions(func(o *ldap.Options) { o.Groups.Method, o.Groups.Nested = ldap.MemberOf, false }, s))
			e, err := b.FindID(t.Context(), guidText(2), 0)
			if err != nil {
				t.Fatal(err)
			}
			a, err := b.Account(t.Context(), e, directory.Proof{}, 0)
			if tt.want == 0 {
				if !errors.Is(err, identity.ErrUnavailable) {
					t.Errorf("%d groups, %v, want ErrUnavailable", len(a.Groups), err)
				}
				return
			}
			if err != nil || len(a.Groups) != tt.want+1 { // and the primary group
				t.Errorf("%d groups, %v, want %d", len(a.Groups), err, tt.want+1)
			}
		})
	}
}
