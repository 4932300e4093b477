package policy

import (
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// UserHole is the name of the hole that takes the person's own login name.
const UserHole = "user"

// maxHoles bounds the holes of one group name, maxHoleName the length of a group name that they match.
const (
	maxHoles    = 4
	maxHoleName = 256
)

// values are what the holes of a group name took, in the order of the name.
type values [maxHoles]string

// template is a group name with holes: literals[0] holes[0] literals[1] ... holes[n-1] literals[n].
type template struct {
	literals []string // folded
	holes    []hole
}

// hole takes one path part, or one of the listed words.
type hole struct {
	name  string
	words []string
}

// accepts reports whether the hole may take a value.
func (h *hole) accepts(v string) bool {
	if len(h.words) == 0 {
		return legalPart(v)
	}
	return slices.Contains(h.words, v)
}

// slot gives the index of a hole, or -1.
func (t *template) slot(name string) int {
	for i := range t.holes {
		if t.holes[i].name == name {
			return i
		}
	}
	return -1
}

// match splits a folded group name among the holes; the left one takes as much as it can. Each (hole, place)
// that failed is remembered, so that the work is bounded by the square of the name's length.
func (t *template) match(name string, v *values) bool {
	last := t.literals[len(t.literals)-1]
	if len(name) > maxHoleName || !strings.HasPrefix(name, t.literals[0]) || !strings.HasSuffix(name, last) {
		return false
	}
	var failed [maxHoles][maxHoleName/64 + 1]uint64
	return t.fill(0, name, len(t.literals[0]), v, &failed)
}

// fill tries to fill the holes from index h on with the rest of the name.
func (t *template) fill(h int, name string, at int, v *values, failed *[maxHoles][maxHoleName/64 + 1]uint64) bool {
	if failed[h][at/64]&(1<<(at%64)) != 0 {
		return false
	}
	failed[h][at/64] |= 1 << (at % 64)
	next := t.literals[h+1]
	if h == len(t.holes)-1 {
		end := len(name) - len(next)
		if end <= at || !t.holes[h].accepts(name[at:end]) {
			return false
		}
		v[h] = name[at:end]
		return true
	}
	for end := len(name) - len(next); end > at; end-- {
		if name[end:end+len(next)] != next || !t.holes[h].accepts(name[at:end]) {
			continue
		}
		if t.fill(h+1, name, end+len(next), v, failed) {
			v[h] = name[at:end]
			return true
		}
	}
	return false
}

// name puts values into the holes: the group name that would give them. It appends to b.
func (t *template) name(b []byte, v *values) []byte {
	for i := range t.holes {
		b = append(b, t.literals[i]...)
		b = append(b, v[i]...)
	}
	return append(b, t.literals[len(t.holes)]...)
}

// parseTemplate reads the short name of a group, with or without holes.
func parseTemplate(text string) (*template, error) {
	t := &template{}
	literal, rest := "", text
	for {
		open := strings.IndexAny(rest, "<>*")
		if open < 0 {
			t.literals = append(t.literals, identity.Fold(literal+rest))
			return t, nil
		}
		offset := len(text) - len(rest) + open
		switch rest[open] {
		case '*':
			return nil, &SyntaxError{
				Code: "star-in-group", Message: "a group name has no *", Offset: offset, Length: 1,
				Remedy: "write a hole such as group:team-<team>; a group whose name has a * is written by its DN",
			}
		case '>':
			return nil, &SyntaxError{
				Code: "bad-hole", Message: "> without a < before it", Offset: offset, Length: 1,
				Remedy: "a hole is written <team>",
			}
		}
		h, length, err := parseHole(rest[open:])
		if err != nil {
			err.Offset += offset
			return nil, err
		}
		literal += rest[:open]
		if err := t.checkHole(h, literal, offset, length); err != nil {
			return nil, err
		}
		t.literals = append(t.literals, identity.Fold(literal))
		t.holes = append(t.holes, h)
		literal, rest = "", rest[open+length:]
	}
}

// checkHole looks at a hole together with what stands before it.
func (t *template) checkHole(h hole, before string, offset, length int) error {
	fault := SyntaxError{Code: "bad-hole", Offset: offset, Length: length}
	switch {
	case h.name == UserHole:
		fault.Message = "<user> is the login name of the person and takes nothing from a group name"
		fault.Remedy = "give the hole another name"
	case t.slot(h.name) >= 0:
		fault.Message = "<" + h.name + "> stands twice in one group name"
		fault.Remedy = "give the second hole another name"
	case len(t.holes) > 0 && before == "":
		fault.Message = "two holes without a text between them"
		fault.Remedy = "write something between them, as in <app>-<stage>"
	case len(t.holes) == maxHoles:
		fault.Message = "more than 4 holes in a group name"
		fault.Remedy = "use fewer holes"
	default:
		return nil
	}
	return &fault
}

// parseHole reads "<name>" or "<name:word|word>" at the beginning of s and gives its length.
func parseHole(s string) (hole, int, *SyntaxError) {
	end := strings.IndexByte(s, '>')
	if end < 0 {
		return hole{}, 0, &SyntaxError{
			Code: "bad-hole", Message: "< without a > after it", Length: len(s), Remedy: "a hole is written <team>",
		}
	}
	name, list, listed := strings.Cut(s[1:end], ":")
	h := hole{name: name}
	if !validHoleName(name) {
		return hole{}, 0, &SyntaxError{
			Code: "bad-hole", Message: quote(s[:end+1]) + " is not a hole", Length: end + 1,
			Remedy: "a hole is written <team> or <stage:dev|test>, its name in lower-case letters, digits, - and _",
		}
	}
	if !listed {
		return h, end + 1, nil
	}
	h.words = strings.Split(list, "|")
	for _, w := range h.words {
		if !legalPart(w) {
			return hole{}, 0, &SyntaxError{
				Code: "bad-hole", Message: quote(w) + " cannot be a part of a repository path", Length: end + 1,
				Remedy: "list words of lower-case letters, digits and single separators, as in <stage:dev|test>",
			}
		}
	}
	return h, end + 1, nil
}

// validHoleName reports whether s may name a hole.
func validHoleName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '-' && c != '_') {
			return false
		}
	}
	return s != ""
}
