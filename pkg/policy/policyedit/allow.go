package policyedit

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// Allow adds a rule behind the last one.
func Allow(data []byte, r Rule) ([]byte, error) {
	d, err := read(data)
	if err != nil {
		return nil, err
	}
	var added yaml.Node
	fields := r.fields()
	if err := yaml.Unmarshal([]byte("{"+strings.Join(fields, ", ")+"}"), &added); err != nil || len(added.Content) != 1 {
		return nil, fmt.Errorf("%w: the rule cannot be written: %q", ErrByHand, fields)
	}
	rules := append(slices.Clone(d.rules.Content), added.Content[0])
	text := d.add(fields)
	if text == nil || !d.proven(text, rules) {
		return nil, fmt.Errorf("%w: no place for another rule was found", ErrByHand)
	}
	return text, nil
}

// fields writes the rule's keys and values.
func (r Rule) fields() []string {
	fields := []string{"who: " + values(r.Who), "can: " + values(r.Can)}
	if len(r.Repos) > 0 {
		fields = append(fields, "repos: "+values(r.Repos))
	}
	if r.Until != "" {
		fields = append(fields, "until: "+plainTime(r.Until))
	}
	if r.Note != "" {
		fields = append(fields, "note: "+quote(r.Note))
	}
	return fields
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

// quote writes a text, in quotes where YAML or a reader could take it for something else.
func quote(s string) string {
	plain := regexp.MustCompile(`^[A-Za-z<][A-Za-z0-9 ._/<>*:|@-]*$`)
	var n yaml.Node
	if plain.MatchString(s) && !strings.Contains(s+" ", ": ") && !strings.HasSuffix(s, " ") && yaml.Unmarshal([]byte(s), &n) == nil &&
		len(n.Content) == 1 && n.Content[0].Tag == "!!str" && n.Content[0].Value == s {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return visible(string(quoted))
}

// visible escapes, in a text in quotes, what does not print: YAML takes some of it for the end of a line, and a reader
// does not see it.
func visible(quoted string) string {
	var b strings.Builder
	for _, r := range quoted {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\U%08x`, r)
	}
	return b.String()
}

// plainTime writes a time without quotes if it looks like one.
func plainTime(s string) string {
	if regexp.MustCompile(`^[0-9][0-9TZ:+-]*$`).MatchString(s) {
		return s
	}
	return quote(s)
}

// add writes the rule behind the last one, in its style.
func (d *document) add(fields []string) []byte {
	n := len(d.rules.Content)
	if n == 0 {
		return d.addFirst(fields)
	}
	indent, gap, ok := d.dash(n - 1)
	if !ok {
		indent, gap = d.rules.Column-1, " "
	}
	end := d.end()
	lines := d.block(strings.Repeat(" ", indent), gap, fields)
	if d.rules.Content[n-1].Style&yaml.FlowStyle != 0 {
		lines = []string{strings.Repeat(" ", indent) + "-" + gap + "{" + strings.Join(fields, ", ") + "}" + d.newline()}
	}
	if from, _ := d.extent(n - 1); n > 1 && blank(d.line(from-1)) {
		lines = append([]string{d.newline()}, lines...)
	}
	return d.replace(end, end, lines...)
}

// block writes a rule in lines.
func (d *document) block(indent, gap string, fields []string) []string {
	lines := make([]string, len(fields))
	for i, f := range fields {
		start := "-" + gap
		if i > 0 {
			start = strings.Repeat(" ", 1+len(gap))
		}
		lines[i] = indent + start + f + d.newline()
	}
	return lines
}

// addFirst writes the rule in the place of empty brackets.
func (d *document) addFirst(fields []string) []byte {
	at := d.rules.Line - 1
	line := d.line(at)
	open := d.rules.Column - 1
	if open > len(line) || !strings.HasPrefix(line[open:], "[") {
		return nil
	}
	shut := strings.IndexByte(line[open:], ']')
	if shut < 0 {
		return nil
	}
	head := strings.TrimRight(line[:open], " ") + strings.TrimRight(line[open+shut+1:], "\r\n") + d.newline()
	return d.replace(at, at+1, append([]string{head}, d.block("  ", " ", fields)...)...)
}
