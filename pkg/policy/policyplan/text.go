package policyplan

import (
	"encoding/json"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// readable writes the holes' names for their symbols.
func (b *bound) readable(text string) string {
	for hole, value := range b.fill {
		if value != "" && value[0] >= firstHole {
			text = strings.ReplaceAll(text, value, "<"+hole+">")
		}
	}
	return strings.ToValidUTF8(text, "<...>")
}

// Text says the change in plain words, as in: group payments gains push in payments/** (rule 3, policy.yaml:14).
func (c Change) Text() string {
	who := people(c.Who)
	where := ""
	if c.Repos != "" {
		where = " in " + c.Repos
	}
	if c.Inside != "" {
		where += " where it is also " + c.Inside
	}
	where += conditions(c.Rule)
	what := list(words(c.Actions), "and")
	var b strings.Builder
	switch c.Kind {
	case Gains:
		b.WriteString(who + " gains " + what + where)
	case Loses:
		b.WriteString(who + " loses " + what + where)
	case Barred:
		b.WriteString(who + " is kept from " + list(words(c.Actions), "or") + where + ", whatever other rules give")
	case Freed:
		b.WriteString(who + " is no longer kept from " + list(words(c.Actions), "or") + where)
	}
	if c.Because != "" {
		b.WriteString(", " + c.Because)
	}
	return b.String() + " (" + c.ruleText() + ")"
}

// ruleText names the rule.
func (c Change) ruleText() string {
	if c.Rule == nil {
		return "no rule"
	}
	return strings.Replace(strings.TrimSuffix(c.Rule.Ref(), ")"), " (", ", ", 1)
}

// people names a subject for people.
func people(who string) string {
	kind, name, ok := strings.Cut(who, ":")
	switch {
	case who == "anyone":
		return "anyone"
	case who == "signed-in":
		return "everyone signed in"
	case ok && strings.Contains(name, "<"):
		return "every " + kind + " " + name
	case kind == "user-id":
		return "account " + name
	case ok:
		return kind + " " + name
	default:
		return who
	}
}

// words names actions in the order in which people say them. A push and a delete imply the pull beside them.
func words(a registry.Actions) []string {
	var all []string
	for _, w := range []string{"pull", "push", "delete"} {
		if a.Has(registry.ParseAction(w)) {
			all = append(all, w)
		}
	}
	if a.Has(registry.Catalog) {
		all = append(all, "catalog")
	}
	return all
}

// list joins words as prose does.
func list(words []string, conjunction string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " " + conjunction + " " + words[n-1]
}

// changeJSON is the form of a Change for machines.
type changeJSON struct {
	Kind       Kind     `json:"kind"`
	Who        string   `json:"who"`
	Actions    []string `json:"actions"`
	Repos      string   `json:"repos,omitempty"`
	Inside     string   `json:"inside,omitempty"`
	Because    string   `json:"because,omitempty"`
	Conditions string   `json:"conditions,omitempty"`
	Rule       int      `json:"rule"`
	Position   string   `json:"position"`
	Example    string   `json:"example,omitempty"`
	Text       string   `json:"text"`
}

// MarshalJSON gives the change for machines.
func (c Change) MarshalJSON() ([]byte, error) {
	j := changeJSON{
		Kind: c.Kind, Who: c.Who, Actions: words(c.Actions), Repos: c.Repos, Inside: c.Inside, Because: c.Because, Example: c.Example,
	}
	if c.Rule == nil {
		c.Rule = &policy.Rule{}
	}
	j.Conditions = strings.TrimSpace(conditions(c.Rule))
	j.Rule, j.Position, j.Text = c.Rule.Number, c.Rule.Position.String(), c.Text()
	return json.Marshal(j)
}
