package policy

import "strings"

// maxPattern bounds the length of a pattern, maxParts the parts of a path. No registry takes longer names.
const (
	maxPattern = 512
	maxParts   = 128
)

// Pattern names repositories: literal parts, * (any characters inside one part), ** (one or more parts), and
// holes. Make one with [ParsePattern].
type Pattern struct {
	text  string
	parts []part
	holed bool // whether it has holes
}

// part is one part of a pattern: between slashes.
type part struct {
	deep  bool   // "**"
	elems []elem // the texts, stars and holes that it is made of
}

// elem is one element of a part.
type elem struct {
	kind elemKind
	text string // the literal, or the name of the hole
	slot int    // of a hole, once a clause has bound it: userSlot, or the index of the group name's hole
}

// userSlot is the slot of <user>.
const userSlot = -1

// elemKind says what an element is.
type elemKind uint8

const (
	literalElem elemKind = iota
	starElem
	holeElem
)

// String gives the pattern as written.
func (p Pattern) String() string { return p.text }

// Holes lists the names of the holes in the pattern, each once.
func (p Pattern) Holes() []string {
	var names []string
	seen := map[string]bool{}
	for _, part := range p.parts {
		for _, e := range part.elems {
			if e.kind == holeElem && !seen[e.text] {
				seen[e.text] = true
				names = append(names, e.text)
			}
		}
	}
	return names
}

// isEverywhere reports whether the pattern is "**" alone.
func (p Pattern) isEverywhere() bool { return len(p.parts) == 1 && p.parts[0].deep }

// literal gives the text of a part without stars and holes.
func (p *part) literal() (string, bool) {
	if p.deep || len(p.elems) != 1 || p.elems[0].kind != literalElem {
		return "", false
	}
	return p.elems[0].text, true
}

// ParsePattern reads a pattern. Errors are [*SyntaxError].
func ParsePattern(text string) (Pattern, error) {
	if err := checkPattern(text); err != nil {
		return Pattern{}, err
	}
	p := Pattern{text: text, parts: make([]part, 0, strings.Count(text, "/")+1), holed: strings.Contains(text, "<")}
	offset := 0
	for s := range strings.SplitSeq(text, "/") {
		parsed, err := parsePart(s)
		if err != nil {
			err.Offset += offset
			return Pattern{}, err
		}
		p.parts = append(p.parts, parsed)
		offset += len(s) + 1
	}
	if len(p.parts) > maxParts {
		return Pattern{}, &SyntaxError{
			Code: "bad-pattern", Message: "a pattern with more than 128 parts", Length: len(text),
			Remedy: "no repository name is as deep; write a shorter pattern",
		}
	}
	return p, nil
}

// checkPattern looks for the mistakes that concern the pattern as a whole.
func checkPattern(text string) error {
	fault := SyntaxError{Code: "bad-pattern", Length: len(text)}
	colon := strings.IndexByte(withoutHoles(text), ':')
	switch {
	case text == "":
		fault.Message, fault.Remedy = "an empty pattern", `write "**" for every repository`
	case len(text) > maxPattern:
		fault.Message, fault.Remedy = "a pattern of more than 512 bytes", "no repository name is as long; write a shorter pattern"
	case colon >= 0:
		fault.Code, fault.Offset, fault.Length = "tag-in-pattern", colon, 1
		fault.Message = `":" in a repository pattern: access is per repository, tags cannot be named`
		fault.Remedy = "write the repository without the tag; to protect tags use the registry's own feature, such as immutable tags"
	case strings.ContainsRune(text, '@'):
		fault.Code, fault.Offset, fault.Length = "tag-in-pattern", strings.IndexByte(text, '@'), 1
		fault.Message = `"@" in a repository pattern: access is per repository, digests cannot be named`
		fault.Remedy = "write the repository without the digest"
	case text[0] == '/' || text[len(text)-1] == '/' || strings.Contains(text, "//"):
		fault.Message = "a pattern with an empty part"
		fault.Remedy = "write it without a slash at either end; what is inside a folder is folder/**"
	default:
		return nil
	}
	return &fault
}

// withoutHoles blanks what stands in holes, so that a look at the rest does not see it.
func withoutHoles(text string) string {
	b := []byte(text)
	inside := false
	for i, c := range b {
		switch {
		case c == '<':
			inside = true
		case c == '>':
			inside = false
		case inside:
			b[i] = ' '
		}
	}
	return string(b)
}

// parsePart reads what stands between two slashes.
func parsePart(s string) (part, *SyntaxError) {
	if s == "**" {
		return part{deep: true}, nil
	}
	if i := strings.Index(s, "**"); i >= 0 {
		return part{}, &SyntaxError{
			Code: "bad-pattern", Message: "** together with other characters in one part", Offset: i, Length: 2,
			Remedy: "** stands alone between slashes, as in team-a/**; inside one part write *",
		}
	}
	var p part
	for i := 0; i < len(s); {
		e, length, err := parseElem(s[i:])
		if err != nil {
			err.Offset += i
			return part{}, err
		}
		p.elems = append(p.elems, e)
		i += length
	}
	if text, ok := p.literal(); ok && !legalPart(text) {
		return part{}, &SyntaxError{
			Code: "bad-pattern", Message: quote(text) + " cannot be a part of a repository path", Length: len(s),
			Remedy: "a part is letters and digits with single separators (., _, __, or dashes) between them",
		}
	}
	return p, nil
}

// parseElem reads one element at the beginning of s and gives its length.
func parseElem(s string) (elem, int, *SyntaxError) {
	switch s[0] {
	case '*':
		return elem{kind: starElem}, 1, nil
	case '<':
		h, length, err := parseHole(s)
		if err != nil {
			return elem{}, 0, err
		}
		if len(h.words) > 0 {
			return elem{}, 0, &SyntaxError{
				Code: "bad-hole", Message: "the words of a hole are listed in who, not in repos", Length: length,
				Remedy: "write <" + h.name + "> here and the list in who",
			}
		}
		return elem{kind: holeElem, text: h.name}, length, nil
	}
	n := 0
	for n < len(s) && patternByte(s[n]) {
		n++
	}
	if n == 0 {
		return elem{}, 0, badCharacter(s)
	}
	return elem{kind: literalElem, text: s[:n]}, n, nil
}

// patternByte reports whether a byte may stand in a repository name.
func patternByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

// badCharacter explains a character that no repository name has.
func badCharacter(s string) *SyntaxError {
	r := []rune(s)[0]
	fault := &SyntaxError{
		Code: "bad-pattern", Message: quote(string(r)) + " cannot stand in a repository name", Length: len(string(r)),
		Remedy: "a pattern is made of lower-case letters, digits, ., _, -, /, *, ** and holes such as <team>",
	}
	switch {
	case 'A' <= r && r <= 'Z':
		fault.Remedy = "repository names are in lower case"
	case r == '{' || r == '}' || r == '$':
		fault.Remedy = "a hole is written <team>"
	case strings.ContainsRune(`^+?()[]|\`, r):
		fault.Remedy = "patterns are not regular expressions: * is any characters inside one part, ** is one or more parts"
	}
	return fault
}
