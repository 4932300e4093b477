package policyplan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyplan"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

func TestPlanTexts(t *testing.T) {
	t.Parallel()
	base := []words{
		can("group:payments", push, "payments/**"),
		can("group:team-<team>", push|del, "<team>/**"),
		can("signed-in", push, "users/<user>/**"),
		can("anyone", pull, "public/**"),
	}
	with := func(more ...words) []words { return append(append([]words{}, base...), more...) }
	ended := can("user:eve", pull, "payments/**")
	ended.until = day(20)
	longer := ended
	longer.until = day(25)
	prod := cannot("anyone", push|del, "*/prod/**")
	prod.except = []string{"group:release"}
	for _, test := range []struct {
		name          string
		before, after []words
		want          string
	}{
		{"nothing", base, base, ""},
		{"order", base, []words{base[3], base[1], base[2], base[0]}, ""},
		{"a rule that gives what is given", base, with(can("group:payments", pull, "payments/api", "public/x")), ""},
		{"a star that is covered", with(can("signed-in", pull, "**")), with(can("signed-in", pull, "**"), can("group:x", pull, "a*/b", "*/c/**/d")), ""},
		{"covered by two together", with(can("group:x", pull, "a/*", "a/*/**")), with(can("group:x", pull, "a/**")), ""},
		{"a new group", base, with(can("group:search", push, "search/**")), `
			group search gains pull and push in search/** (rule 5, p.yaml:50)
			group team-search loses pull, push and delete in search/**, a folder that another rule names now (rule 2, p.yaml:20)`},
		{"a group goes", base, base[1:], `
			group payments loses pull and push in payments/** (rule 1, p.yaml:10)
			group team-payments gains pull, push and delete in payments/**, a folder that no other rule names any more (rule 1, p.yaml:10)`},
		{"a longer grant", with(ended), with(longer), `
			user eve gains pull in payments/** until 2026-01-24 (rule 5, p.yaml:50)`},
		{"a shorter grant", with(longer), with(ended), `
			user eve loses pull in payments/** until 2026-01-24 (rule 5, p.yaml:50)`},
		{"protect prod", base, with(prod), `
			anyone is kept from push or delete in */prod/** except as group:release, whatever other rules give (rule 5, p.yaml:50)
			group payments loses push in payments/** where it is also */prod/** except as group:release (rule 5, p.yaml:50)
			every group team-<team> loses push and delete in <team>/** where it is also */prod/** except as group:release (rule 5, p.yaml:50)`},
		{"the catalog", base, with(words{who: []string{"group:ops"}, actions: registry.Catalog}), `
			group ops gains catalog (rule 5, p.yaml:50)`},
		{"listed words", base, with(can("group:<app>-<stage:dev|test>-rw", push, "apps/<app>/<stage>/**")), `
			group team-apps loses pull, push and delete in apps/**, a folder that another rule names now (rule 2, p.yaml:20)
			every group <app>-dev-rw gains pull and push in apps/<app>/dev/** (rule 5, p.yaml:50)
			every group <app>-test-rw gains pull and push in apps/<app>/test/** (rule 5, p.yaml:50)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Split(strings.TrimSpace(texts(policyplan.Plan(compile(t, test.before...), compile(t, test.after...)))), "\n")
			want := strings.Split(strings.TrimSpace(strings.ReplaceAll(test.want, "\t", "")), "\n")
			if strings.Join(sorted(got), "\n") != strings.Join(sorted(want), "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

func TestChangeJSON(t *testing.T) {
	t.Parallel()
	plan := policyplan.Plan(compile(t), compile(t, can("group:payments", push, "payments/**")))
	got, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"kind":"gains","who":"group:payments","actions":["pull","push"],"repos":"payments/**","rule":1,` +
		`"position":"p.yaml:10","example":"payments/x","text":"group payments gains pull and push in payments/** (rule 1, p.yaml:10)"}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// BenchmarkPlan compares large policies that differ in one rule.
func BenchmarkPlan(b *testing.B) {
	var rules []words
	for i := range 5000 {
		team := "t" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26%9) + string(rune('a'+i/234%26))
		rules = append(rules, can("group:"+team, push, team+"/**"))
	}
	before := compile(b, rules...)
	after := compile(b, append(rules, cannot("anyone", push, "*/prod/**"), can("group:team-<team>", push, "<team>/**"))...)
	for b.Loop() {
		policyplan.Plan(before, after)
	}
}

// TestPlanOfHeldGroups: a group of a cannot is held by its id, so a cannot for every group of such a name does not
// make up for it: whoever renames the group would leave that one.
func TestPlanOfHeldGroups(t *testing.T) {
	t.Parallel()
	every := cannot("group:<team>", push, "<team>/**")
	give := can("signed-in", push, "**")
	held := cannot("group:search", push, "search/**")
	got := texts(policyplan.Plan(compile(t, give, every), compile(t, give, every, held)))
	if want := "group search is kept from push in search/**"; !strings.Contains(got, want) {
		t.Errorf("the plan does not say %q:\n%s", want, got)
	}
	got = texts(policyplan.Plan(compile(t, give, every, held), compile(t, give, every)))
	if want := "group search is no longer kept from push in search/**"; !strings.Contains(got, want) {
		t.Errorf("the plan does not say %q:\n%s", want, got)
	}
}

// TestPlanOfWhatIsNotKnown: a request without an address, a registry or a time is one that a can with such a
// condition does not open, and a cannot with one closes; a plan that drops or adds one says so.
func TestPlanOfWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	give := can("group:a", push, "a/**")
	barred := cannot("group:a", push, "a/**")
	barred.from = []string{"10.0.0.0/8"}
	for _, test := range []struct {
		name          string
		before, after []words
		want          string
	}{
		{"a can gets a network", []words{give}, []words{with(give, func(w *words) { w.from = []string{"10.0.0.0/8"} })}, "group a loses pull and push in a/**"},
		{"a can gets a registry", []words{give}, []words{with(give, func(w *words) { w.on = []string{"one"} })}, "group a loses pull and push in a/**"},
		{"a can gets a time", []words{give}, []words{with(give, func(w *words) { w.since = day(1) })}, "group a loses pull and push in a/**"},
		{"a cannot with a network", []words{give}, []words{give, barred}, "group a is kept from push in a/** from 10.0.0.0/8"},
		{"a cannot loses its network", []words{give, barred}, []words{give, cannot("group:a", push, "a/**")}, "group a is kept from push in a/**, whatever"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			old, changed := compile(t, test.before...), compile(t, test.after...)
			if got := texts(policyplan.Plan(old, changed)); !strings.Contains(got, test.want) {
				t.Errorf("the plan does not say %q:\n%s", test.want, got)
			}
		})
	}
}

// with gives an edited rule.
func with(w words, edit func(*words)) words {
	edit(&w)
	return w
}
