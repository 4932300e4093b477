package gate

import (
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	const name = "wharfgate_logins_total"
	cases := map[string]struct {
		series string
		labels []string
		want   bool
	}{
		"without labels":  {name, nil, true},
		"any label":       {name + `{result="ok"}`, nil, true},
		"this label":      {name + `{directory="corp",result="ok"}`, []string{`result="ok"`, `directory="corp"`}, true},
		"another label":   {name + `{result="locked"}`, []string{`result="ok"`}, false},
		"another metric":  {"wharfgate_logins", nil, false},
		"a longer metric": {name + "_created", nil, false},
	}
	for what, test := range cases {
		if got := matches(test.series, name, test.labels); got != test.want {
			t.Errorf("%s: matches(%q, %q) = %v, want %v", what, test.series, test.labels, got, test.want)
		}
	}
}

func TestSettingsAreOneDocument(t *testing.T) {
	t.Parallel()
	s := Settings{"directories": []Settings{{"name": "corp"}}}
	s.Section("log")["level"] = "debug"
	s.Section("log")["format"] = "json"
	s.Directory()["name"] = "other"
	got := strings.Join(strings.Fields(s.document(t)), "")
	if want := `{"directories":[{"name":"other"}],"log":{"format":"json","level":"debug"}}`; got != want {
		t.Errorf("document = %s, want %s", got, want)
	}
}
