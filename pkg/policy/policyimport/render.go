package policyimport

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// directory stands for the one directory of the imported names.
const directory = "directory"

// anyGroup takes every group to exist.
func anyGroup(context.Context, string, string) ([]identity.Group, error) {
	return []identity.Group{identity.NewGroup("", "", "")}, nil
}

// writer writes lines and remembers what stands where.
type writer struct {
	lines  []string
	places map[int]place
}

// add writes a line.
func (w *writer) add(text string, at place) {
	w.lines = append(w.lines, text)
	w.places[len(w.lines)] = at
}

// nothing is the place of a line that cannot be at fault.
func nothing() place { return place{-1, -1, -1} }

// comment writes text as comments.
func (w *writer) comment(indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		w.add(strings.TrimRight(indent+"# "+printable(line), " "), nothing())
	}
}

// printable leaves out what no policy may hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r >= '\ufffe' && r <= '\uffff' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// render writes the document.
func (d *document) render() ([]byte, map[int]place) {
	w := writer{places: map[int]place{}}
	w.comment("", d.title)
	w.add("version: 1", nothing())
	w.add("", nothing())
	d.writeRules(&w)
	d.writeTests(&w)
	return []byte(strings.Join(w.lines, "\n") + "\n"), w.places
}

// writeRules writes the rules.
func (d *document) writeRules(w *writer) {
	if slices.ContainsFunc(d.rules, func(r rule) bool { return r.problem == "" }) {
		w.add("rules:", nothing())
	} else {
		w.add("rules: []", nothing())
	}
	for i := range d.rules {
		r := &d.rules[i]
		if r.comment != "" {
			w.comment("  ", r.comment)
		}
		if r.problem == "" {
			w.comment("  ", r.name)
			w.add(r.line(), place{i, -1, -1})
			continue
		}
		w.comment("  ", r.name+" is not converted: "+r.problem+". It was:")
		w.comment("  ", "  "+r.source)
	}
}

// writeTests writes what the old engine answered.
func (d *document) writeTests(w *writer) {
	var written []int
	for i := range d.tests {
		if d.tests[i].hasTests() {
			written = append(written, i)
		}
	}
	if len(written) > 0 {
		w.add("", nothing())
		w.comment("", "What the old rules answered.")
		w.add("tests:", nothing())
	}
	for _, i := range written {
		t := &d.tests[i]
		w.add("  - as: "+t.who.as(), place{-1, i, -1})
		for _, allowed := range []bool{true, false} {
			w.list(t, i, allowed)
		}
	}
	for i := range d.tests {
		for _, a := range d.tests[i].assertions {
			if a.differs {
				answer := "did not allow"
				if a.allowed {
					answer = "allowed"
				}
				w.comment("", fmt.Sprintf("different: the old rules %s %s to %s; the rules above do not agree", answer, a.text, d.tests[i].who.words()))
			}
		}
	}
}

// list writes the assertions of one kind.
func (w *writer) list(t *test, i int, allowed bool) {
	begun := false
	for j, a := range t.assertions {
		if a.differs || a.allowed != allowed {
			continue
		}
		if !begun {
			begun = true
			word := "    cannot:"
			if allowed {
				word = "    can:"
			}
			w.add(word, place{-1, i, -1})
		}
		w.add("      - "+quote(a.text), place{-1, i, j})
	}
}

// as writes who asks.
func (s somebody) as() string {
	var fields []string
	if s.user != "" {
		fields = append(fields, "user: "+quote(s.user))
	}
	if s.group != "" {
		fields = append(fields, "groups: "+quote(s.group))
	}
	if s.address != "" {
		fields = append(fields, "from: "+quote(s.address))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// words says who asks.
func (s somebody) words() string {
	words := "a client without a login"
	if s.user != "" {
		words = s.user
	}
	if s.group != "" {
		words += " of group " + s.group
	}
	if s.address != "" {
		words += " from " + s.address
	}
	return words
}

// values writes one text, or a list.
func values(texts []string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = quote(s)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a text, in quotes unless it is plain.
func quote(s string) string {
	plain := regexp.MustCompile(`^[a-z<][A-Za-z0-9._/<>:@* -]*[A-Za-z0-9>*]$`)
	if plain.MatchString(s) && !strings.Contains(s, ": ") && !regexp.MustCompile(`^(true|false|null|yes|no|on|off)$`).MatchString(s) {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(quoted)
}
