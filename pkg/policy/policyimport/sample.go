package policyimport

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// question is one that both engines can be asked.
type question struct {
	who    somebody
	name   string
	action registry.Actions
}

// sample asks the old engine about everybody and every place that the rules name.
func sample(rules []rule, answer func(question) (registry.Actions, bool)) []test {
	people, names := cast(rules), places(rules)
	var tests []test
	left := maxAssertions
	for _, who := range people {
		t := test{who: who}
		for _, name := range names {
			for _, action := range []registry.Actions{registry.Pull, registry.Push, registry.Delete} {
				given, known := answer(question{who: who, name: fill(name, who), action: action})
				if !known || left == 0 {
					continue
				}
				left--
				t.assertions = append(t.assertions, assertion{text: action.String() + " " + fill(name, who), allowed: given != 0})
			}
		}
		tests = append(tests, t)
	}
	return tests
}

// cast gives everybody whom rules name, and nobody in particular.
func cast(rules []rule) []somebody {
	people := []somebody{{}, {user: "somebody"}}
	for _, r := range rules {
		address := ""
		if p, err := netip.ParsePrefix(r.from); err == nil {
			address = p.Addr().String()
		}
		for _, who := range r.who {
			s := somebody{address: address}
			kind, name, _ := strings.Cut(who, ":")
			switch {
			case who == "group:<group>":
				s.user, s.group = "somebody", "some-group"
			case kind == "user":
				s.user = name
			case kind == "group":
				s.user, s.group = "somebody", name
			case kind == "signed-in":
				s.user = "somebody"
			}
			if !slices.Contains(people, s) {
				people = append(people, s)
			}
		}
	}
	return people
}

// places gives a repository or two for each pattern.
func places(rules []rule) []string {
	names := []string{"elsewhere/app"}
	for _, r := range rules {
		for _, pattern := range r.repos {
			inside := strings.ReplaceAll(strings.ReplaceAll(pattern, "**", "sample/app"), "*", "sample")
			for _, name := range []string{inside, inside + "/deeper"} {
				if name != inside && strings.HasSuffix(pattern, "**") {
					continue // as inside
				}
				if !slices.Contains(names, name) && registry.ValidName(fill(name, somebody{user: "x", group: "y"})) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// fill puts names into the holes.
func fill(name string, who somebody) string {
	user, group := who.user, who.group
	if user == "" {
		user = "somebody"
	}
	if group == "" {
		group = "some-group"
	}
	return strings.NewReplacer("<user>", strings.ToLower(user), "<group>", strings.ToLower(group)).Replace(name)
}
