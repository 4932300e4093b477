package policy

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Lines says the explanation in plain words.
func (e Explanation) Lines() []string {
	lines := []string{e.title()}
	if len(e.Actions) == 0 {
		return append(lines, "  nothing that a policy could grant was asked for")
	}
	for i := range e.Actions {
		lines = append(lines, e.Actions[i].lines()...)
	}
	return lines
}

// WriteTo writes the lines of [Explanation.Lines].
func (e Explanation) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, strings.Join(e.Lines(), "\n")+"\n")
	return int64(n), err
}

// title says what was asked.
func (e Explanation) title() string {
	who := "a client without a login"
	if p := e.Request.Principal; p.Kind != identity.Anonymous {
		who = p.Kind.String() + " " + printable(p.Name)
		if p.Source != "" {
			who += " of directory " + p.Source
		}
	}
	s := e.Request.Scope
	if s.Type == registry.TypeRegistry {
		return who + " asks to list the catalog"
	}
	asked := list(actionWords(s.Actions), "and")
	if s.Actions.Has(registry.Wildcard) {
		asked = "everything possible"
	}
	if asked == "" {
		asked = "nothing"
	}
	return fmt.Sprintf("%s asks for %s on %s", who, asked, printable(s.Name))
}

// lines explains one action.
func (a *ActionExplanation) lines() []string {
	word := actionWord(a.Action)
	if a.Granted {
		return append([]string{"  " + word + ": granted"}, uses("by", a.Given)...)
	}
	lines := []string{"  " + word + ": not granted"}
	lines = append(lines, uses("taken away by", a.Taken)...)
	if len(a.Given) == 0 {
		lines = append(lines, "    no rule gives it")
	}
	for _, m := range a.Misses {
		lines = append(lines, "    "+m.Text())
	}
	return lines
}

// uses says which rules apply, the first few of them.
func uses(verb string, all []Use) []string {
	const most = 5
	var lines []string
	for i, u := range all {
		if i == most {
			return append(lines, fmt.Sprintf("    and by %d more rules", len(all)-most))
		}
		line := "    " + verb + " " + u.Rule.Ref() + ": " + u.Rule.Sentence()
		if u.Group != "" {
			line += " (through " + printable(u.Group) + ")"
		}
		if u.Unresolved {
			line += " (the directory has not told the id of that group yet; until then the rule is for everybody)"
		}
		lines = append(lines, line)
	}
	return lines
}

// Text says the miss in plain words.
func (m Miss) Text() string { return "would be allowed by " + m.Rule.Ref() + " if " + m.Condition }

// printable gives a text of a directory or a client as it may be printed.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) >= 0 {
		return strconv.Quote(s)
	}
	return s
}
