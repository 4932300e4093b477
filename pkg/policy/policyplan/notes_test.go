package policyplan_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
)

// TestNotes: a plan says what it cannot know, and says nothing where that does not matter.
func TestNotes(t *testing.T) {
	t.Parallel()
	until := with(can("group:a", push, "a/**"), func(w *words) { w.until = day(9) })
	from := with(can("group:a", push, "a/**"), func(w *words) { w.from = []string{"10.0.0.0/8"} })
	except := with(can("signed-in", push, "a/**"), func(w *words) { w.except = []string{"group:guests"} })
	for _, test := range []struct {
		name          string
		before, after []words
		want          []string
	}{
		{"nothing", nil, nil, nil},
		{"a plain rule", nil, []words{can("group:a user:b", push, "a/**")}, nil},
		{"a group of a cannot", nil, []words{cannot("group:a", push, "a/**")}, []string{"ids of groups"}},
		{"a group that is excepted", nil, []words{except}, []string{"ids of groups"}},
		{"every group of a name", nil, []words{cannot("group:<t>", push, "<t>/**")}, nil},
		{"a name and an id", []words{can("group:a", push, "a/**")}, []words{can("id:id-a", push, "a/**")}, []string{"one and the same group"}},
		{"a person by name and by id", []words{can("user:a", push, "a/**")}, []words{can("user-id:id-a", push, "a/**")}, []string{"one and the same group or account"}},
		{"an end", []words{until}, nil, nil},
		{"a network", []words{from}, nil, []string{"the address of a client"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := policyplan.Notes(policyplan.Plan(compile(t, test.before...), compile(t, test.after...)))
			if len(got) != len(test.want) {
				t.Fatalf("notes: %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.Contains(got[i], test.want[i]) {
					t.Errorf("note %q, want %q", got[i], test.want[i])
				}
			}
		})
	}
}

// TestRemovingACanOpensNoMoreThanThePlanSays: the one way in which less rules give more is a folder that only the rule
// named, and the plan lists each such gain, with its reason.
func TestRemovingACanOpensNoMoreThanThePlanSays(t *testing.T) {
	t.Parallel()
	base := []words{can("group:payments", push, "payments/**"), can("group:team-<team>", push, "<team>/**"), can("signed-in", push, "<user>/**")}
	opened := policyplan.Opened(policyplan.Plan(compile(t, base...), compile(t, base[1:]...)))
	if len(opened) != 2 {
		t.Fatalf("opened: %s", texts(opened))
	}
	for _, c := range opened {
		if c.Repos != "payments/**" || c.Because != "a folder that no other rule names any more" {
			t.Errorf("%s, because of %q", c.Text(), c.Because)
		}
	}
	kept := append([]words{cannot("robot:nobody", pull, "payments/**")}, base...)
	if opened := policyplan.Opened(policyplan.Plan(compile(t, kept...), compile(t, append(kept[:1:1], base[1:]...)...))); len(opened) > 0 {
		t.Errorf("a folder that another rule names, and yet: %s", texts(opened))
	}
}
