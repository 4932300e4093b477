package policyfile

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// field is one key of a mapping with its value.
type field struct{ key, value *yaml.Node }

// mapping gives the fields of a mapping by key. Keys that are not known, and those that stand twice, are
// faults and left out.
func (p *parser) mapping(n *yaml.Node, what string, known []string) (map[string]field, bool) {
	if n.Kind != yaml.MappingNode {
		p.wrongKind(n, what, "a mapping: keys with values")
		return nil, false
	}
	fields := make(map[string]field, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		switch have, twice := fields[name]; {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			if key.Kind != yaml.AliasNode && key.Tag != "!!merge" {
				p.node(key, CodeWrongType, "a key must be a word", "look at the indentation")
			}
		case twice:
			p.node(key, CodeDuplicate, strconv.Quote(name)+" stands twice; first in line "+strconv.Itoa(have.key.Line), "keep one of them")
		case known == nil || slices.Contains(known, name):
			fields[name] = field{key: key, value: value}
		default:
			fields[name] = field{key: key, value: value}
			p.node(key, CodeUnknownKey, "unknown key "+quoted(name)+" in "+what, suggest(name, known))
		}
	}
	return fields, true
}

// wrongKind notes a node that is not of the kind that it must be.
func (p *parser) wrongKind(n *yaml.Node, what, want string) {
	switch {
	case n.Kind == yaml.AliasNode: // noted already
	case n.Tag == "!!null":
		p.node(n, CodeEmpty, what+" has no value", "write "+want)
	default:
		p.node(n, CodeWrongType, what+" must be "+want, "look at the indentation and the dashes")
	}
}

// text gives the value of a text.
func (p *parser) text(n *yaml.Node, what string) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		p.wrongKind(n, what, "a text")
	case n.Tag == "!!null", n.Value == "":
		p.node(n, CodeEmpty, what+" has no value", "write one, or leave the key out")
	case n.Tag != "!!str" && n.Style&yaml.TaggedStyle == 0 && n.Tag != "!" && n.Tag != "!!merge":
		p.node(n, CodeWrongType, quoted(n.Value)+" is not a text in YAML", `put quotes around it: "`+n.Value+`"`)
	default:
		return n.Value, true
	}
	return "", false
}

// texts gives the nodes of a text or of a list of texts, each once.
func (p *parser) texts(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		if n.Kind == yaml.MappingNode {
			p.wrongKind(n, what, "a text or a list of texts")
			return nil
		}
		if _, ok := p.text(n, what); !ok {
			return nil
		}
		return []*yaml.Node{n}
	}
	if len(n.Content) == 0 {
		p.node(n, CodeEmpty, what+" is an empty list", "name at least one, or remove the rule")
		return nil
	}
	all := make([]*yaml.Node, 0, len(n.Content))
	seen := make(map[string]bool, len(n.Content))
	for _, item := range n.Content {
		text, ok := p.text(item, "an item of "+what)
		switch {
		case !ok:
		case seen[text]:
			p.node(item, CodeDuplicate, quoted(text)+" stands twice in "+what, "keep one of them")
		default:
			seen[text] = true
			all = append(all, item)
		}
	}
	return all
}

// quoted puts a text of the document into a message, bounded.
func quoted(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strconv.Quote(s)
}
