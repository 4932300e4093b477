package policyfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// document reads the top level; the rules are read by a function.
func (p *parser) document(root *yaml.Node, rules func(*yaml.Node)) {
	fields, ok := p.mapping(root, "the policy", []string{"version", "groups", "rules", "tests"})
	if !ok {
		return
	}
	if f, ok := fields["version"]; !ok {
		p.node(root, CodeVersion, `the policy has no "version"`, `write "version: 1" at the top`)
	} else if f.value.Kind != yaml.ScalarNode || f.value.Tag != "!!int" || f.value.Value != "1" {
		p.node(f.value, CodeVersion, "unknown version "+quoted(f.value.Value), `write "version: 1", the only one there is`)
	}
	if f, ok := fields["groups"]; ok {
		p.aliasDefinitions(f.value)
	}
	if f, ok := fields["tests"]; ok {
		p.tests(f.value)
	}
	f, ok := fields["rules"]
	if !ok {
		p.node(root, CodeMissingKey, `the policy has no "rules"`, `write "rules:" with a list of rules; "rules: []" grants nothing`)
		return
	}
	rules(f.value)
}

// list reads the rules of a document that is read as a whole.
func (p *parser) list(n *yaml.Node) {
	switch {
	case n.Kind != yaml.SequenceNode:
		p.wrongKind(n, `"rules"`, `a list of rules, each beginning with "- who:"`)
	case len(n.Content) > MaxRules:
		p.node(n.Content[MaxRules], CodeTooLarge, fmt.Sprintf("more than %d rules", MaxRules), "one rule with a hole stands for one a group")
	default:
		for _, item := range n.Content {
			p.rule(item)
		}
	}
}

// rule reads one rule. What cannot be read is left out; its faults are noted.
func (p *parser) rule(n *yaml.Node) {
	fields, ok := p.mapping(n, "a rule",
		[]string{"who", "except", "can", "cannot", "repos", "on", "from", "since", "until", "note"})
	if !ok {
		return
	}
	r := policy.Rule{Position: policy.Position{File: p.file, Line: n.Line, Column: n.Column}}
	holds := len(p.holds)
	whole := p.actions(n, fields, &r)
	whole = p.who(n, fields, &r) && whole
	whole = p.except(fields, &r) && whole
	whole = p.repos(n, fields, &r) && whole
	whole = p.conditions(fields, &r) && whole
	if f, ok := fields["note"]; ok {
		r.Note, _ = p.text(f.value, `"note"`)
		if utf8.RuneCountInString(r.Note) > maxNote {
			p.node(f.value, CodeNoteTooLong, fmt.Sprintf("a note of more than %d characters", maxNote), "shorten it; a comment has no bound")
		}
	}
	if !whole && len(p.holds) == holds {
		return // it has faults, and no group that the directory could be asked for
	}
	p.rules = append(p.rules, r)
}

// actions reads can or cannot.
func (p *parser) actions(n *yaml.Node, fields map[string]field, r *policy.Rule) bool {
	can, hasCan := fields["can"]
	cannot, hasCannot := fields["cannot"]
	switch {
	case hasCan && hasCannot:
		p.node(cannot.key, CodeCanOrCannot, `this rule has both "can" and "cannot"`, "it needs exactly one; make two rules of it")
		return false
	case !hasCan && !hasCannot:
		p.at(n.Line, n.Column, 1, CodeCanOrCannot, `this rule has neither "can" nor "cannot"`, "it needs exactly one")
		return false
	}
	f, what := can, `"can"`
	if hasCannot {
		f, what, r.Effect = cannot, `"cannot"`, policy.Cannot
	}
	items := p.texts(f.value, what)
	whole := len(items) > 0
	for _, item := range items {
		switch a := registry.ParseAction(item.Value); {
		case item.Value == "everything":
			r.Everything = true
		case item.Value == "catalog":
			r.Actions |= registry.Catalog
		case a != 0 && a != registry.Wildcard:
			r.Actions |= a
		default:
			whole = false
			p.node(item, CodeUnknownAction, "unknown action "+quoted(item.Value),
				suggest(item.Value, []string{"pull", "push", "delete", "catalog", "everything"}))
		}
	}
	return whole
}

// repos reads the patterns and looks whether they fit who and what.
func (p *parser) repos(n *yaml.Node, fields map[string]field, r *policy.Rule) bool {
	f, ok := fields["repos"]
	if !ok {
		if r.Everything || r.Actions&^registry.Catalog != 0 {
			p.at(n.Line, n.Column, 1, CodeMissingKey, `this rule has no "repos"`, `write which repositories it is about, such as team-a/**, or "**" for all`)
			return false
		}
		return true
	}
	whole := true
	items := p.texts(f.value, `"repos"`)
	for _, item := range items {
		pattern, err := policy.ParsePattern(item.Value)
		if err != nil {
			whole = false
			p.syntax(item, 0, err)
			continue
		}
		whole = p.filled(item, pattern, fields, r) && whole
		r.Repos = append(r.Repos, pattern)
	}
	everywhere := len(items) == 1 && items[0].Value == "**"
	if r.Actions.Has(registry.Catalog) && !everywhere && len(items) > 0 {
		p.node(f.value, CodeCatalogWithRepos, "the catalog lists the whole registry, not only these repositories",
			"give catalog a rule of its own, without repos")
		return false
	}
	return whole && len(items) > 0
}

// filled looks whether every subject fills every hole of a pattern.
func (p *parser) filled(item *yaml.Node, pattern policy.Pattern, fields map[string]field, r *policy.Rule) bool {
	whole := true
	for _, hole := range pattern.Holes() {
		for _, s := range r.Who {
			if s.Fills(hole) {
				continue
			}
			remedy := "write group:team-<" + hole + ">, or a fixed path"
			if hole == policy.UserHole {
				remedy = "write signed-in: only a person has a login name"
			}
			mark := "<" + hole + ">"
			p.inside(item, strings.Index(item.Value, mark), len(mark), CodeUnfilledHole,
				mark+` is not filled by "who: `+s.Text+`"`, remedy)
			whole = false
			break
		}
		if _, ok := p.options.defaultDirectory(); hole == policy.UserHole && !ok && hasSignedIn(r) {
			p.node(fields["who"].value, CodeUnknownDirectory, "<user> of signed-in means the default directory, and none is marked as default",
				"mark one directory with default: true, or name groups with their directory")
			whole = false
		}
	}
	return whole
}

// hasSignedIn reports whether a rule speaks about everyone signed in.
func hasSignedIn(r *policy.Rule) bool {
	for _, s := range r.Who {
		if s.Kind == policy.SignedIn {
			return true
		}
	}
	return false
}
