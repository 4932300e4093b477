package policyfile

import (
	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// sliced reads a document piece by piece. It is false where that cannot be done, or where a piece is not YAML; what
// the parser noted until then counts for nothing, and the document is to be read as a whole.
func (p *parser) sliced(text []byte, size int) bool {
	cut := cut(text, size)
	if cut == nil {
		return false
	}
	root, _, err := loadOne(cut.frame, maxDepth)
	if err != nil || !cut.fits(root) {
		return false
	}
	p.refuse(root)
	p.rules = make([]policy.Rule, 0, cut.rules)
	whole := true
	p.document(root, func(*yaml.Node) {
		for _, s := range cut.slices {
			whole = whole && p.slice(s)
		}
	})
	return whole
}

// fits reports whether the frame has the key of the rules where the document was cut, and nothing behind it.
func (c *pieces) fits(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Line == c.line && key.Column == 1 {
			return key.Kind == yaml.ScalarNode && key.Value == "rules" && key.Anchor == "" && key.Tag == "!!str" &&
				value.Kind == yaml.ScalarNode && value.Value == "" && value.Anchor == "" && value.Tag == "!!null"
		}
	}
	return false
}

// slice reads some of the rules. It is false where they are not a list by themselves.
func (p *parser) slice(s slice) bool {
	root, _, err := loadOne(s.text, maxDepth-1)
	if err != nil || root.Kind != yaml.SequenceNode || root.Style&yaml.FlowStyle != 0 || root.Anchor != "" {
		return false
	}
	move(root, s.before)
	p.refuse(root)
	for _, n := range root.Content {
		p.rule(n)
	}
	return true
}

// move moves a tree down by some lines.
func move(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		move(c, lines)
	}
}
