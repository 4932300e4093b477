package policyfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// Parse reads a document that is known under a name. The error is [Faults], with all faults. It asks
// [Options].FindGroup for the groups of every cannot, for no longer than [Options].FindBudget.
func Parse(name string, data []byte, o Options) (*policy.Policy, error) {
	return ParseContext(context.Background(), name, data, o)
}

// ParseContext is [Parse] with a context for [Options].FindGroup.
func ParseContext(ctx context.Context, name string, data []byte, o Options) (*policy.Policy, error) {
	d, faults := read(name, data, o)
	h := newHolder(o)
	h.find(ctx, d.holds)
	if err := join(faults, h.faults(d)); err != nil {
		return nil, err
	}
	failed, _ := d.verify()
	if err := join(failed, nil); err != nil {
		return nil, err
	}
	return d.compile(h)
}

// join puts faults of two kinds together; no faults are a nil error.
func join(a, b Faults) error {
	if len(a)+len(b) == 0 {
		return nil
	}
	return append(a, b...).sorted("faults")
}

// document is what was read, before the groups of its cannots are held.
type document struct {
	file     string
	revision string
	rules    []policy.Rule
	policy   *policy.Policy // that has the rules, once it is in force; then rules is nil
	holds    []hold
	trials   []trial
	options  Options
	source   *source
}

// compile makes the policy, with the groups that the holder knows; without one nothing is held.
func (d *document) compile(h *holder) (*policy.Policy, error) {
	rules := slices.Clone(d.rules)
	if d.policy != nil {
		rules = make([]policy.Rule, 0, d.policy.Len())
		for _, r := range d.policy.Rules() {
			rules = append(rules, *r)
		}
	}
	for _, ref := range d.holds {
		if h == nil {
			break
		}
		who := &rules[ref.rule].Who
		if ref.except {
			who = &rules[ref.rule].Except
		}
		*who = slices.Clone(*who)
		(*who)[ref.subject] = h.apply(ref, (*who)[ref.subject])
	}
	directory, _ := d.options.defaultDirectory()
	return policy.New(policy.Options{Rules: rules, Revision: d.revision, DefaultDirectory: directory})
}

// inForce notes the policy that was made of the document, which has its rules from now on.
func (d *document) inForce(p *policy.Policy) { d.policy, d.rules = p, nil }

// Revision is the name of a document's version: the beginning of its SHA-256 in hex.
func Revision(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// parser reads one document and collects its faults.
type parser struct {
	file    string
	source  *source
	options Options
	faults  Faults
	starred map[[2]int]bool // where a star without quotes was mended
	aliases map[string]alias
	rules   []policy.Rule
	holds   []hold
	trials  []trial

	asserted int
}

// read reads a document without asking anybody.
func read(name string, data []byte, o Options) (*document, Faults) {
	return readBy(name, data, o, sliceBytes)
}

// readBy reads a document in slices of a size, or as a whole where that cannot be done.
func readBy(name string, data []byte, o Options, size int) (*document, Faults) {
	source := &source{text: data}
	p := newParser(name, source, o)
	if p.bounded(data) && !p.sliced(data, size) {
		p = newParser(name, source, o)
		if root := p.load(data); root != nil {
			p.refuse(root)
			p.document(root, p.list)
		}
	}
	return &document{
		file: name, revision: Revision(data), rules: p.rules, holds: p.holds, trials: p.trials, options: o, source: source,
	}, p.faults
}

// newParser makes a parser that has noted nothing.
func newParser(name string, s *source, o Options) *parser {
	return &parser{file: name, source: s, options: o, starred: map[[2]int]bool{}, aliases: map[string]alias{}}
}

// source is the text of a document. Its lines are looked for when a fault wants one.
type source struct {
	text  []byte
	lines []string
}

// line gives a line by its number; empty where there is none. What is too large is not looked at.
func (s *source) line(n int) string {
	if s.lines == nil && len(s.text) <= MaxBytes {
		text := strings.TrimPrefix(string(s.text), "\ufeff")
		s.lines = strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
	}
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// line gives a line of the document.
func (p *parser) line(n int) string { return p.source.line(n) }

// whole notes a fault of the document as a whole.
func (p *parser) whole(code Code, message, remedy string) {
	p.faults = append(p.faults, Fault{File: p.file, Code: code, Message: message, Remedy: remedy})
}

// at notes a fault at a position, unless a mended star there explains it.
func (p *parser) at(line, column, length int, code Code, message, remedy string) {
	if code != CodeUnquotedStar && p.starred[[2]int{line, column}] {
		return
	}
	p.faults = append(p.faults, Fault{
		File: p.file, Line: line, Column: column, Length: max(length, 1), Code: code, Message: message,
		Remedy: remedy, Excerpt: excerpt(p.line(line)),
	})
}

// fault makes a fault of a node without noting it.
func (p *parser) fault(n *yaml.Node, code Code, message, remedy string) Fault {
	return Fault{
		File: p.file, Line: n.Line, Column: n.Column, Length: max(width(n), 1), Code: code, Message: message,
		Remedy: remedy, Excerpt: excerpt(p.line(n.Line)),
	}
}

// node notes a fault of a node.
func (p *parser) node(n *yaml.Node, code Code, message, remedy string) {
	p.at(n.Line, n.Column, width(n), code, message, remedy)
}

// inside notes a fault of a part of a text: offset and length count bytes of its value.
func (p *parser) inside(n *yaml.Node, offset, length int, code Code, message, remedy string) {
	column := n.Column
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		column++
	}
	line := []rune(p.line(n.Line))
	offset = min(offset, len(n.Value))
	length = min(length, len(n.Value)-offset)
	if column-1 > len(line) || !strings.HasPrefix(string(line[column-1:]), n.Value) {
		p.node(n, code, message, remedy) // escapes or several lines: the place cannot be told
		return
	}
	p.at(n.Line, column+utf8.RuneCountInString(n.Value[:offset]),
		utf8.RuneCountInString(n.Value[offset:offset+length]), code, message, remedy)
}

// width is how many characters a node takes, as far as one line tells.
func width(n *yaml.Node) int {
	switch {
	case n.Kind == yaml.AliasNode:
		return utf8.RuneCountInString(n.Value) + 1
	case n.Anchor != "":
		return utf8.RuneCountInString(n.Anchor) + 1
	case n.Kind != yaml.ScalarNode:
		return 1
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return utf8.RuneCountInString(n.Value) + 2
	default:
		return utf8.RuneCountInString(n.Value)
	}
}

// excerpt bounds a line.
func excerpt(line string) string {
	const most = 200
	if r := []rune(line); len(r) > most {
		return string(r[:most])
	}
	return line
}
