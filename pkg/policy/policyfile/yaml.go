package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// reparseBudget bounds the bytes that are read again to find more than the first unquoted star.
const reparseBudget = 4 << 20

var (
	errNoDocument = errors.New("no document")
	errSeveral    = errors.New("several documents")
)

// bounded refuses what is too large, and what is not text.
func (p *parser) bounded(data []byte) bool {
	if len(data) > MaxBytes {
		p.whole(CodeTooLarge, fmt.Sprintf("the document has more than %d MiB", MaxBytes>>20),
			"write fewer rules: one with a hole stands for one a group")
		return false
	}
	if bytes.Count(data, []byte(","))+bytes.Count(data, []byte(":"))+bytes.Count(data, []byte("\n")) > maxItems {
		p.whole(CodeTooLarge, fmt.Sprintf("the document has more than %d lines and items", maxItems),
			"write fewer rules: one with a hole stands for one a group")
		return false
	}
	return p.checkText(data)
}

// load gives the document's root node, or nil after noting why there is none.
func (p *parser) load(data []byte) *yaml.Node {
	text := data
	for spent := 0; ; spent += len(data) {
		root, line, err := loadOne(text, maxDepth)
		switch {
		case err == nil:
			return root
		case errors.Is(err, errNoDocument):
			p.whole(CodeEmpty, "the document is empty", `it begins with "version: 1" and has "rules:"`)
			return nil
		case errors.Is(err, errSeveral):
			p.at(line, 1, 1, CodeSeveralDocuments, "a second document begins here", "put all rules into one document, without ---")
			return nil
		}
		mended, ok := p.yamlFault(text, err)
		if !ok || spent > reparseBudget {
			return nil
		}
		text = mended
	}
}

// loadOne reads the root of the only document of a stream. With errSeveral comes the line of the second one.
func loadOne(text []byte, depth int) (*yaml.Node, int, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(depth))))
	if err != nil {
		return nil, 0, fmt.Errorf("prepare YAML: %w", err)
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, 0, errNoDocument
	case err != nil:
		return nil, 0, err
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, 0, err
	default:
		return nil, second.Line, errSeveral
	}
	if len(first.Content) == 0 {
		return nil, 0, errNoDocument
	}
	return first.Content[0], 0, nil
}

// yamlFault notes what YAML itself found. Where that is a star without quotes, it gives the text with another
// letter in its place, so that the rest can be looked at.
func (p *parser) yamlFault(text []byte, err error) ([]byte, bool) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		p.whole(CodeYAML, "this is not YAML: "+err.Error(), "look at indentation, quotes and brackets")
		return nil, false
	}
	line, column := e.Mark.Line, e.Mark.Column
	inAlias := strings.Contains(e.ContextMsg, "alias")
	if inAlias {
		line, column = e.ContextMark.Line, e.ContextMark.Column
	}
	at := offsetOf(text, line, column)
	if (inAlias || strings.Contains(e.Message, "unknown anchor")) && at >= 0 && at < len(text) && text[at] == '*' {
		p.unquotedStar(line, column)
		mended := bytes.Clone(text)
		mended[at] = 'x'
		return mended, true
	}
	switch {
	case strings.Contains(e.Message, "exceeded max depth"):
		p.at(line, column, 1, CodeTooLarge, "lists and mappings are nested too deeply", "a rule is a mapping in the list under rules")
	case strings.Contains(e.Message, "cannot start any token"):
		p.at(line, column, 1, CodeYAML, "this character cannot begin a text in YAML", "put quotes around the text")
	case strings.Contains(e.Message, "tab character"):
		p.at(line, column, 1, CodeYAML, "a tab in the indentation", "indent with spaces")
	default:
		p.at(line, column, 1, CodeYAML, "this is not YAML: "+e.Message, "look at indentation, quotes and brackets here and on the line before")
	}
	return nil, false
}

// offsetOf gives the byte at a position, or -1.
func offsetOf(text []byte, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		end := bytes.IndexAny(text[at:], "\r\n")
		if end < 0 {
			return -1
		}
		at += end + 1
		if text[at-1] == '\r' && at < len(text) && text[at] == '\n' {
			at++
		}
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

// unquotedStar explains what YAML reads as an alias.
func (p *parser) unquotedStar(line, column int) {
	text := []rune(p.line(line))
	text = text[min(column-1, len(text)):]
	end := 0
	for end < len(text) && !unicode.IsSpace(text[end]) && !strings.ContainsRune(",]}", text[end]) {
		end++
	}
	p.starred[[2]int{line, column}] = true
	p.at(line, column, end, CodeUnquotedStar, "a * at the beginning needs quotes in YAML",
		`put quotes around a pattern that starts with *: "`+string(text[:end])+`"`)
}

// checkText refuses what is not text.
func (p *parser) checkText(data []byte) bool {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			p.encoding(data, i, fmt.Sprintf("byte 0x%02x is not UTF-8", data[i]))
			return false
		case unprintable(r):
			p.encoding(data, i, fmt.Sprintf("character %U does not belong into a text", r))
			return false
		}
		i += size
	}
	return true
}

// unprintable reports whether a character is a control, or a line end that only YAML counts.
func unprintable(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case '\u0085', '\u2028', '\u2029', '\ufffe', '\uffff':
		return true
	default:
		return unicode.IsControl(r)
	}
}

// encoding notes a fault at a byte of the document.
func (p *parser) encoding(data []byte, at int, message string) {
	before := data[:at]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	p.faults = append(p.faults, Fault{
		File: p.file, Line: line, Column: column, Length: 1, Code: CodeEncoding, Message: message,
		Remedy: "save the file as UTF-8 text",
	})
}

// refuse notes anchors, aliases, merge keys and tags anywhere below a node.
func (p *parser) refuse(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		p.node(n, CodeAnchor, "an alias (*name) is not part of the policy language", `write the text out; put quotes around a pattern that starts with *: "*`+n.Value+`"`)
		return // what it stands for is looked at in its own place
	case n.Anchor != "":
		p.node(n, CodeAnchor, "an anchor (&name) is not part of the policy language", "write the text out in each place; put quotes around a text that starts with &")
	case n.Tag == "!!merge":
		p.node(n, CodeAnchor, "a merge key (<<) is not part of the policy language", "write the keys out")
	case n.Style&yaml.TaggedStyle != 0 || n.Tag == "!":
		p.node(n, CodeTag, "a tag ("+n.Tag+") is not part of the policy language", "leave the tag out; put quotes around a text that starts with !")
	}
	for _, c := range n.Content {
		p.refuse(c)
	}
}
