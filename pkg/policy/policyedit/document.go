package policyedit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

var (
	// ErrByHand means that a file is written in a way that only a person should change.
	ErrByHand = errors.New("edit the file by hand")
	// ErrNoRule means that there is no such rule.
	ErrNoRule = errors.New("no such rule")
)

// Rule is a rule to be added. Each list has at least one element, but for Repos of a rule about the catalog.
type Rule struct {
	// Who, Can and Repos are the subjects, actions and patterns.
	Who, Can, Repos []string
	// Until and Note are left out where they are empty.
	Until, Note string
}

// document is a policy as lines and as YAML.
type document struct {
	lines []string // with their ends
	root  *yaml.Node
	rules *yaml.Node // the list
	key   *yaml.Node // "rules"
	next  *yaml.Node // the key after it; nil at the end
	tests *yaml.Node // the list; nil where there is none
}

// read reads a document.
func read(data []byte) (*document, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	if len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: it is not a mapping", ErrByHand)
	}
	d := &document{lines: strings.SplitAfter(string(data), "\n"), root: node.Content[0]}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key, value := d.root.Content[i], d.root.Content[i+1]
		switch key.Value {
		case "rules":
			d.key, d.rules = key, value
			if i+2 < len(d.root.Content) {
				d.next = d.root.Content[i+2]
			}
		case "tests":
			d.tests = value
		}
	}
	switch {
	case d.rules == nil || d.rules.Kind != yaml.SequenceNode:
		return nil, fmt.Errorf("%w: it has no list of rules", ErrByHand)
	case strings.Contains(strings.ReplaceAll(string(data), "\r\n", ""), "\r"):
		return nil, fmt.Errorf("%w: its lines end in different ways", ErrByHand)
	case d.root.Style&yaml.FlowStyle != 0:
		return nil, fmt.Errorf("%w: it is written in braces", ErrByHand)
	case d.rules.Style&yaml.FlowStyle != 0 && len(d.rules.Content) > 0:
		return nil, fmt.Errorf("%w: its rules are written in brackets", ErrByHand)
	}
	return d, nil
}

// Outline counts the rules and the tests of a document.
func Outline(data []byte) (rules, tests int, err error) {
	d, err := read(data)
	if err != nil {
		return 0, 0, err
	}
	if d.tests != nil {
		tests = len(d.tests.Content)
	}
	return len(d.rules.Content), tests, nil
}

// RuleAt gives the number of the rule that stands at a line, counted from one.
func RuleAt(data []byte, line int) (int, error) {
	d, err := read(data)
	if err != nil {
		return 0, err
	}
	for i := range d.rules.Content {
		from, to := d.extent(i)
		if from < line && line <= to {
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("%w: none stands at line %d", ErrNoRule, line)
}

// dash gives the column of an item's dash, counted from zero, and what stands between it and the item.
func (d *document) dash(i int) (indent int, gap string, ok bool) {
	item := d.rules.Content[i]
	line := d.line(item.Line - 1)
	if item.Column-1 > len(line) {
		return 0, "", false
	}
	before := strings.TrimRight(line[:item.Column-1], " \t")
	if !strings.HasSuffix(before, "-") || strings.TrimLeft(before, " ") != "-" {
		return 0, "", false
	}
	return len(before) - 1, line[len(before) : item.Column-1], true
}

// line gives a line by its index.
func (d *document) line(i int) string {
	if i < 0 || i >= len(d.lines) {
		return ""
	}
	return d.lines[i]
}

// blank reports whether nothing stands in a line.
func blank(line string) bool { return strings.TrimSpace(line) == "" }

// comment reports whether a line is a comment that begins at most at a column.
func comment(line string, column int) bool {
	text := strings.TrimLeft(line, " ")
	return strings.HasPrefix(text, "#") && len(line)-len(text) <= column
}

// end gives the index of the line after the last rule. Comments and blank lines below it are not its own.
func (d *document) end() int {
	end := len(d.lines)
	if d.next != nil {
		end = d.next.Line - 1
	}
	indent, _, _ := d.dash(len(d.rules.Content) - 1)
	for end > 0 && (blank(d.line(end-1)) || comment(d.line(end-1), indent) || strings.TrimSpace(d.line(end-1)) == "...") {
		end--
	}
	return end
}

// start gives the first line of a rule, which is the comment right above it if there is one.
func (d *document) start(i int) int {
	from := d.rules.Content[i].Line - 1
	indent, _, _ := d.dash(i)
	for from > d.key.Line && comment(d.line(from-1), indent) {
		from--
	}
	return from
}

// extent gives the lines of a rule, up to the next rule's.
func (d *document) extent(i int) (from, to int) {
	if i+1 < len(d.rules.Content) {
		return d.start(i), d.start(i + 1)
	}
	return d.start(i), d.end()
}

// text gives the document.
func (d *document) text() []byte { return []byte(strings.Join(d.lines, "")) }

// newline gives what ends a line in this file.
func (d *document) newline() string {
	if strings.HasSuffix(d.line(0), "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// replace gives the lines with some of them replaced.
func (d *document) replace(from, to int, lines ...string) []byte {
	if from < 0 || to < from || to > len(d.lines) {
		return nil
	}
	if from > 0 && !strings.HasSuffix(d.lines[from-1], "\n") {
		d.lines[from-1] += d.newline() // the file's last line
	}
	d.lines = slices.Concat(d.lines[:from], lines, d.lines[to:])
	return d.text()
}

// same reports whether two nodes mean the same.
func same(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, same)
}

// proven reports whether the new text is the old document with other rules, which are given.
func (d *document) proven(text []byte, rules []*yaml.Node) bool {
	now, err := read(text)
	if err != nil || len(now.root.Content) != len(d.root.Content) {
		return false
	}
	for i, n := range d.root.Content {
		if n != d.rules && !same(n, now.root.Content[i]) {
			return false
		}
	}
	return slices.EqualFunc(now.rules.Content, rules, same)
}
