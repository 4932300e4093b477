package policyedit

import (
	"fmt"
	"slices"
	"strings"
)

// Remove takes a rule out, by its number counted from one, with the comment right above it.
func Remove(data []byte, number int) ([]byte, error) {
	d, err := read(data)
	if err != nil {
		return nil, err
	}
	n := len(d.rules.Content)
	if number < 1 || number > n {
		return nil, fmt.Errorf("%w: %d, and there are %d", ErrNoRule, number, n)
	}
	rules := slices.Delete(slices.Clone(d.rules.Content), number-1, number)
	text := d.cut(number - 1)
	if text == nil || !d.proven(text, rules) {
		return nil, fmt.Errorf("%w: the lines of rule %d cannot be told from others", ErrByHand, number)
	}
	return text, nil
}

// cut takes out the lines of a rule.
func (d *document) cut(i int) []byte {
	from, to := d.extent(i)
	last := i == len(d.rules.Content)-1
	for last && from > d.key.Line && blank(d.line(from-1)) { // the blank lines before it go with it
		from--
	}
	if len(d.rules.Content) > 1 {
		return d.replace(from, to)
	}
	key := d.key.Line - 1
	if from <= key || !strings.HasPrefix(d.line(key)[d.key.Column-1:], "rules:") {
		return nil
	}
	end := d.key.Column - 1 + len("rules:")
	head := d.line(key)[:end] + " []" + d.line(key)[end:]
	return d.replace(key, to, append([]string{head}, d.lines[key+1:from]...)...)
}

// Lines gives the lines of a rule, as they stand.
func Lines(data []byte, number int) (string, error) {
	d, err := read(data)
	if err != nil {
		return "", err
	}
	if number < 1 || number > len(d.rules.Content) {
		return "", fmt.Errorf("%w: %d, and there are %d", ErrNoRule, number, len(d.rules.Content))
	}
	from, to := d.extent(number - 1)
	return strings.TrimRight(strings.Join(d.lines[from:to], ""), "\r\n") + "\n", nil
}
