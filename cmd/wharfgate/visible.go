package main

import (
	"strconv"
	"strings"
)

// visible gives a text of somebody else, such as the name of a group, as it may stand on a terminal: what does not
// print is escaped, so that no name moves the cursor, begins a line of its own, or runs from right to left.
func visible(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !hidden(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// visibleLines is [visible] for a text of several lines.
func visibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	return strings.Join(lines, "\n")
}

// hidden reports whether a character does not print.
func hidden(r rune) bool { return !strconv.IsPrint(r) }
