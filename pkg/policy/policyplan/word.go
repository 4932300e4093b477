package policyplan

import "strings"

// The symbols in the words that patterns are made of, beside the ASCII characters of repository names. What a
// hole took is one symbol that nothing else is: what holds for it holds for every value, but for values
// that some rule names, which are looked at one by one.
const (
	firstHole byte = 0x80 // and one for each further hole
	userHole  byte = 0xa0
	freeHole  byte = 0xb0 // of an exception, where it is none of who's
	fresh     byte = 0xff // any character that no pattern has
)

// token is one step of a pattern: a symbol, or any number of any others.
type token struct {
	symbol byte
	kind   tokenKind
}

// tokenKind says what a token takes.
type tokenKind uint8

const (
	literal tokenKind = iota // its symbol
	star                     // any symbols but a slash
	deep                     // any symbols, after at least one: see language
)

// language is the set of words that a pattern matches, as a list of tokens. "**" is one token that takes any
// symbol once, followed by deep: whole parts follow from the slashes beside it, as no word has an empty part.
type language struct {
	text   string // canonical: equal texts are equal languages
	tokens []token
	prefix string // the symbols before the first that is not literal
}

// anySymbol stands for the one symbol that "**" takes at least.
const anySymbol byte = 0

// parse reads a pattern; fill gives the text for each hole.
func parse(pattern string, fill func(hole string) string) language {
	var text strings.Builder
	l := language{}
	open := true
	add := func(t token) {
		l.tokens = append(l.tokens, t)
		if open = open && t.kind == literal && t.symbol != anySymbol; open {
			l.prefix += string([]byte{t.symbol})
		}
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case strings.HasPrefix(pattern[i:], "**"):
			text.WriteString("**")
			add(token{symbol: anySymbol})
			add(token{kind: deep})
			i++
		case c == '*':
			text.WriteByte(c)
			add(token{kind: star})
		case c == '<':
			end := i + strings.IndexByte(pattern[i:], '>')
			value := fill(pattern[i+1 : end])
			text.WriteString(value)
			for j := range len(value) {
				add(token{symbol: value[j]})
			}
			i = end
		default:
			text.WriteByte(c)
			add(token{symbol: c})
		}
	}
	l.text = text.String()
	return l
}

// set is a set of places in a language's tokens.
type set []uint64

// start gives the places before the first symbol.
func (l *language) start() set {
	s := make(set, len(l.tokens)/64+1)
	l.enter(s, 0)
	return s
}

// enter adds a place and those that need no symbol from there.
func (l *language) enter(s set, at int) {
	s[at/64] |= 1 << (at % 64)
	if at < len(l.tokens) && l.tokens[at].kind != literal {
		l.enter(s, at+1)
	}
}

// has reports whether a place is in the set.
func (s set) has(at int) bool { return s[at/64]&(1<<(at%64)) != 0 }

// empty reports whether no word goes on from here.
func (s set) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// step gives the places after a symbol.
func (l *language) step(s set, symbol byte) set {
	to := make(set, len(s))
	for at, t := range l.tokens {
		if !s.has(at) {
			continue
		}
		switch {
		case t.kind == deep, t.kind == star && symbol != '/':
			l.enter(to, at)
		case t.kind == literal && (t.symbol == symbol || t.symbol == anySymbol):
			l.enter(to, at+1)
		}
	}
	return to
}

// has reports whether a word is in the language.
func (l *language) has(word string) bool {
	s := l.start()
	for i := range len(word) {
		s = l.step(s, word[i])
	}
	return l.accepts(s)
}

// accepts reports whether the word may end here.
func (l *language) accepts(s set) bool { return s.has(len(l.tokens)) }

// acceptsAll reports whether every word that goes on from here is in the language.
func (l *language) acceptsAll(s set) bool {
	n := len(l.tokens)
	return n > 0 && l.tokens[n-1].kind == deep && s.has(n-1)
}

// apart reports whether two languages have no word in common, as far as their beginnings tell.
func (l *language) apart(o *language) bool {
	n := min(len(l.prefix), len(o.prefix))
	return l.prefix[:n] != o.prefix[:n]
}
