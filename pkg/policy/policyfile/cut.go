package policyfile

import "bytes"

// sliceBytes is how much text of the rules is read at once. The tree that YAML makes of a text is twenty times as
// large as the text; of a large document it must never exist as a whole.
const sliceBytes = 64 << 10

// pieces are a document cut up, so that it can be read piece by piece.
type pieces struct {
	frame  []byte // the document without its rules, each line of which is left empty
	line   int    // of the word rules
	rules  int    // lines that look as if they begin one
	slices []slice
}

// slice is some of the rules.
type slice struct {
	text   []byte
	before int // lines of the document before it
}

// cut cuts a document at the lines that look as if they begin a rule: behind a line "rules:" those with a dash in
// the column of the first one. It gives nil where the document is not larger than one slice, or not written that
// way.
//
// That a line looks so does not make it so: it could stand in a quoted text. But YAML is read from the left. If the
// frame has the key "rules" just there, without a value, and each slice is by itself a list, then no text and no
// bracket was open where it was cut, and the document has those rules and no others. Whoever reads the pieces looks
// whether that holds, and reads the document as a whole where it does not.
func cut(text []byte, size int) *pieces {
	returns := bytes.Count(text, []byte("\r"))
	if len(text) <= size || returns > 0 && returns != bytes.Count(text, []byte("\r\n")) {
		return nil
	}
	c := cutter{text: text, size: size}
	if !c.findRules() {
		return nil
	}
	c.collect()
	if c.rules == 0 || c.rules > MaxRules {
		return nil
	}
	return &c.pieces
}

// cutter goes through a document line by line.
type cutter struct {
	pieces

	text   []byte
	size   int
	at     int // where the next line begins
	passed int // lines before that
}

// next gives a line with its end; it is empty at the end of the document.
func (c *cutter) next() []byte {
	line := c.text[c.at:]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i+1]
	}
	c.at += len(line)
	c.passed++
	return line
}

// findRules goes behind the first line "rules:".
func (c *cutter) findRules() bool {
	for c.at < len(c.text) {
		rest, ok := bytes.CutPrefix(c.next(), []byte("rules:"))
		if ok && isBlank(rest) {
			c.frame, c.line = bytes.Clone(c.text[:c.at]), c.passed
			return true
		}
	}
	return false
}

// collect gathers slices as long as there are rules, and adds what follows to the frame.
func (c *cutter) collect() {
	begin, before, column := c.at, c.passed, -1
	for {
		start, passed := c.at, c.passed
		line := c.next()
		indent, dash := dashAt(line)
		if column < 0 && dash {
			column = indent
		}
		switch {
		case len(line) > 0 && isBlank(line):
		case len(line) == 0, indent < column, !dash && indent <= column, column < 0:
			c.close(begin, start, before, passed)
			c.frame = append(c.frame, c.text[start:]...)
			return
		case indent == column:
			if c.rules > 0 && start-begin >= c.size {
				c.close(begin, start, before, passed)
				begin, before = start, passed
			}
			c.rules++
		}
	}
}

// close makes a slice of the lines between two places.
func (c *cutter) close(begin, end, before, passed int) {
	c.slices = append(c.slices, slice{text: c.text[begin:end], before: before})
	c.frame = append(c.frame, bytes.Repeat([]byte("\n"), passed-before)...)
}

// isBlank reports whether a line has nothing but a comment.
func isBlank(line []byte) bool {
	rest := bytes.TrimRight(bytes.TrimLeft(line, " "), "\r\n")
	return len(rest) == 0 || rest[0] == '#'
}

// dashAt gives how far a line is indented, and whether it goes on with a dash that begins an item.
func dashAt(line []byte) (indent int, dash bool) {
	for indent < len(line) && line[indent] == ' ' {
		indent++
	}
	rest := line[indent:]
	return indent, len(rest) > 1 && rest[0] == '-' && (rest[1] == ' ' || rest[1] == '\n' || rest[1] == '\r')
}
