package policyedit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyedit"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

const page = `# The policy of the yard.
version: 1

groups:
  ops: "CN=Ops,OU=Groups,DC=corp,DC=example"   # who runs it

rules:
  # 1  Payments.
  - who: group:payments
    can: push
    repos: payments/**   # all of it

  # 2  Teams,
  #    each in its folder.
  - who: group:team-<team>
    can: [push, delete]
    repos: <team>/**

  - who: anyone
    can: pull
    repos: public/**
    note: |
      # not a comment
      open to all

# The tests.
tests:
  - as: {user: alice, groups: [payments]}
    can: push payments/api
`

var rule = policyedit.Rule{
	Who: []string{"group:search"}, Can: []string{"push"}, Repos: []string{"search/**"}, Until: "2027-03-31", Note: "asked by: bob",
}

const added = `
  - who: group:search
    can: push
    repos: search/**
    until: 2027-03-31
    note: "asked by: bob"
`

func TestAllow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, before, after string }{
		{"behind the last", page, strings.Replace(page, "\n# The tests.", added[0:]+"\n# The tests.", 1)},
		{"no rules yet", "version: 1\nrules: []  # none\n", "version: 1\nrules:  # none" + added},
		{"without an end of line", "version: 1\nrules:\n  - who: anyone\n    can: pull\n    repos: x", "version: 1\nrules:\n  - who: anyone\n    can: pull\n    repos: x" + added},
		{
			"in braces, without indentation", "version: 1\nrules:\n- {who: anyone, can: pull, repos: x}\n",
			"version: 1\nrules:\n- {who: anyone, can: pull, repos: x}\n- {who: group:search, can: push, repos: search/**, until: 2027-03-31, note: \"asked by: bob\"}\n",
		},
		{
			"with other ends of lines", "version: 1\r\nrules:\r\n-   who: anyone\r\n    can: pull\r\n    repos: x\r\n\r\ntests: []\r\n",
			"version: 1\r\nrules:\r\n-   who: anyone\r\n    can: pull\r\n    repos: x\r\n" +
				"-   who: group:search\r\n    can: push\r\n    repos: search/**\r\n    until: 2027-03-31\r\n    note: \"asked by: bob\"\r\n\r\ntests: []\r\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := policyedit.Allow([]byte(test.before), rule)
			if err != nil || string(got) != test.after {
				t.Errorf("Allow: %v\n%s\nwant\n%s", err, got, test.after)
			}
		})
	}
}

func TestAllowQuotes(t *testing.T) {
	t.Parallel()
	r := policyedit.Rule{
		Who: []string{"group:CN=Ops, X,DC=corp", "user:true"}, Can: []string{"pull"}, Repos: []string{"*/prod/**", "2024", "true", "a: b", "x # y", "<t>/**"},
	}
	got, err := policyedit.Allow([]byte("version: 1\nrules: []\n"), r)
	want := `version: 1
rules:
  - who: ["group:CN=Ops, X,DC=corp", user:true]
    can: pull
    repos: ["*/prod/**", "2024", "true", "a: b", "x # y", <t>/**]
`
	if err != nil || string(got) != want {
		t.Errorf("Allow: %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	cut := func(from, to string) string {
		i, j := strings.Index(page, from), strings.Index(page, to)
		return page[:i] + page[j:]
	}
	for _, test := range []struct {
		name          string
		number        int
		before, after string
	}{
		{"the first", 1, page, cut("  # 1  Payments.", "  # 2  Teams,")},
		{"one between", 2, page, cut("  # 2  Teams,", "  - who: anyone")},
		{"the last", 3, page, cut("\n  - who: anyone", "\n# The tests.")},
		{"the only one", 1, "version: 1\nrules:   # all\n  # x\n  - who: anyone\n    can: pull\n    repos: x\n", "version: 1\nrules: []   # all\n"},
		{"in braces", 2, "version: 1\nrules:\n- {who: anyone, can: pull, repos: x}\n- {who: anyone, can: pull,\n   repos: y}\n", "version: 1\nrules:\n- {who: anyone, can: pull, repos: x}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := policyedit.Remove([]byte(test.before), test.number)
			if err != nil || string(got) != test.after {
				t.Errorf("Remove: %v\n%s\nwant\n%s", err, got, test.after)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"no such rule", page, policyedit.ErrNoRule},
		{"rules in brackets", "version: 1\nrules: [{who: anyone, can: pull, repos: x}]\n", policyedit.ErrByHand},
		{"all in braces", "{version: 1, rules: []}", policyedit.ErrByHand},
		{"no rules", "version: 1\n", policyedit.ErrByHand},
		{"a list", "- x\n", policyedit.ErrByHand},
		{"nothing", "", policyedit.ErrByHand},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := policyedit.Remove([]byte(test.text), 99); !errors.Is(err, test.want) {
				t.Errorf("Remove: %v, want %v", err, test.want)
			}
		})
	}
	if _, err := policyedit.Remove([]byte("\tx"), 1); err == nil {
		t.Error("what is no YAML was edited")
	}
}

func TestANoteKeepsItsCharacters(t *testing.T) {
	t.Parallel()
	o := policyfile.Options{DefaultDirectory: "corp", Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: "dc=corp"}}}
	for _, note := range []string{"a\u0085b", "a\u2028b", "a\u2029b", "a\x7fb", "a\u009bb", "a\ufeffb", "a\u202eb", "a\U000e0001b", "é \U0001f600"} {
		text, err := policyedit.Allow([]byte(page), policyedit.Rule{Who: []string{"anyone"}, Can: []string{"pull"}, Repos: []string{"x"}, Note: note})
		if err != nil {
			t.Errorf("Allow with the note %q: %v", note, err)
			continue
		}
		p, err := policyfile.Parse("p", text, o)
		if err != nil {
			t.Fatalf("Parse with the note %q: %v", note, err)
		}
		if got := p.Rules()[3].Note; got != note {
			t.Errorf("the note %q became %q", note, got)
		}
		if back, err := policyedit.Remove(text, 4); err != nil || string(back) != page {
			t.Errorf("Remove after the note %q: %v", note, err)
		}
	}
}

func TestRuleAt(t *testing.T) {
	t.Parallel()
	for i, line := range strings.Split(page, "\n") {
		want := 0
		switch {
		case i >= 7 && i < 12:
			want = 1
		case i >= 12 && i < 18:
			want = 2
		case i >= 18 && i < 24:
			want = 3
		}
		got, err := policyedit.RuleAt([]byte(page), i+1)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("RuleAt(%d %q) = %d, %v, want %d", i+1, line, got, err, want)
		}
	}
	if text, err := policyedit.Lines([]byte(page), 1); err != nil || !strings.HasPrefix(text, "  # 1  Payments.\n  - who") || !strings.HasSuffix(text, "all of it\n") {
		t.Errorf("Lines = %q, %v", text, err)
	}
}

func TestOutline(t *testing.T) {
	t.Parallel()
	if rules, tests, err := policyedit.Outline([]byte(page)); rules != 3 || tests != 1 || err != nil {
		t.Errorf("Outline = %d, %d, %v", rules, tests, err)
	}
}

// FuzzEdit: a rule more and one less leave the policy as it was, and all that the policy reader takes stays
// readable.
func FuzzEdit(f *testing.F) {
	f.Add(page, "group:search", "search/**", "a note")
	f.Add("version: 1\nrules: []\n", "user:x", "*", "\"'#")
	f.Add("version: 1\nrules:\n-\n  who: anyone\n  can: pull\n  repos: x\n# end\n...\n", "anyone", "a: b", "- x\n\ty")
	f.Add("rules:\n  - who: anyone\n    can: pull\n    repos: x\n    note: >-\n      x\n\n      # y\n\nversion: 1\n", "anyone", "2024-01-01", "é\x00")
	f.Add("rules:\n  - who: anyone\n    can: pull\n    repos: a\nversion: 1", "0", "0", "\u0085")
	o := policyfile.Options{Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: "dc=corp"}}}
	f.Fuzz(func(t *testing.T, text, who, repos, note string) {
		before, err := policyfile.Parse("p", []byte(text), o)
		if err != nil {
			return
		}
		more, err := policyedit.Allow([]byte(text), policyedit.Rule{Who: []string{who}, Can: []string{"pull"}, Repos: []string{repos}, Note: note})
		if err != nil {
			return
		}
		back, err := policyedit.Remove(more, before.Len()+1)
		if err != nil {
			t.Fatalf("the rule cannot be taken out again: %v\n%s", err, more)
		}
		after, err := policyfile.Parse("p", back, o)
		if err != nil || after.Len() != before.Len() {
			t.Fatalf("%v\n%q became\n%q", err, text, back)
		}
		for n := range before.Len() {
			if less, err := policyedit.Remove([]byte(text), n+1); err == nil {
				if p, err := policyfile.Parse("p", less, o); err == nil && p.Len() != before.Len()-1 {
					t.Fatalf("%q became %q", text, less)
				}
			}
		}
	})
}
