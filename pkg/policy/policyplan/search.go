package policyplan

import (
	"slices"
	"strings"
)

// The bounds of one search, in states and in places of patterns that are looked at. One that needs more counts as
// found: nothing is missed.
const (
	maxStates = 4000
	maxSets   = 200_000
)

// search looks for a repository name that all languages of must have and none of not.
type search struct {
	must, not []*language

	alphabet []byte
	seen     map[string]bool
	queue    []state
}

// state is what is known after the beginning of a word.
type state struct {
	sets   []set // of must, then of not
	legal  legality
	symbol byte
	from   int // the state before it; -1 at the start
}

// find gives such a name. Where the search was given up, the name is empty and found is true.
func find(must, not []*language) (name string, found bool) {
	s := search{must: must, seen: map[string]bool{}}
	for _, l := range not {
		if l.text == must[0].text {
			return "", false
		}
		if !slices.ContainsFunc(must, l.apart) {
			s.not = append(s.not, l)
		}
	}
	if slices.ContainsFunc(must, must[0].apart) {
		return "", false
	}
	s.alphabet = alphabet(s.must, s.not)
	return s.run()
}

// run searches the shorter names first.
func (s *search) run() (name string, found bool) {
	first := state{from: -1}
	for _, l := range slices.Concat(s.must, s.not) {
		first.sets = append(first.sets, l.start())
	}
	s.queue = []state{first}
	for at := 0; at < len(s.queue); { // it grows meanwhile
		if s.accepts(&s.queue[at]) {
			return s.word(at), true
		}
		if len(s.queue) > maxStates || len(s.queue)*(len(s.must)+len(s.not)) > maxSets {
			return "", true
		}
		for _, symbol := range s.alphabet {
			s.step(at, symbol)
		}
		at++
	}
	return "", false
}

// accepts reports whether the word so far is what is looked for.
func (s *search) accepts(st *state) bool {
	if st.legal != afterText {
		return false
	}
	for i, l := range s.must {
		if !l.accepts(st.sets[i]) {
			return false
		}
	}
	for i, l := range s.not {
		if l.accepts(st.sets[len(s.must)+i]) {
			return false
		}
	}
	return true
}

// step adds the state after a symbol, unless it is known or leads nowhere.
func (s *search) step(from int, symbol byte) {
	legal := s.queue[from].legal.after(symbol)
	if legal == illegal {
		return
	}
	next := state{sets: make([]set, len(s.queue[from].sets)), legal: legal, symbol: symbol, from: from}
	for i, l := range s.must {
		next.sets[i] = l.step(s.queue[from].sets[i], symbol)
		if next.sets[i].empty() {
			return
		}
	}
	for i, l := range s.not {
		at := len(s.must) + i
		next.sets[at] = l.step(s.queue[from].sets[at], symbol)
		if l.acceptsAll(next.sets[at]) {
			return
		}
	}
	if key := next.key(); !s.seen[key] {
		s.seen[key] = true
		s.queue = append(s.queue, next)
	}
}

// key tells states apart from which different words go on.
func (s *state) key() string {
	var b strings.Builder
	b.WriteByte(byte(s.legal))
	for _, set := range s.sets {
		for _, w := range set {
			for range 8 {
				b.WriteByte(byte(w))
				w >>= 8
			}
		}
	}
	return b.String()
}

// word gives the symbols that lead to a state, with a letter of its own for any.
func (s *search) word(i int) string {
	var word []byte
	for ; s.queue[i].from >= 0; i = s.queue[i].from {
		symbol := s.queue[i].symbol
		if symbol == fresh {
			symbol = s.letter()
		}
		word = append(word, symbol)
	}
	slices.Reverse(word)
	return string(word)
}

// letter gives one that no pattern has, where there is one.
func (s *search) letter() byte {
	const letters = "xyzabcdefghijklmnopqrstuvw0123456789"
	for i := range len(letters) {
		if !slices.Contains(s.alphabet, letters[i]) {
			return letters[i]
		}
	}
	return letters[0]
}

// alphabet lists the symbols that patterns can tell apart, and one for all others.
func alphabet(must, not []*language) []byte {
	all := []byte{fresh, '/'}
	for _, l := range slices.Concat(must, not) {
		for _, t := range l.tokens {
			if t.kind == literal && t.symbol != anySymbol && !slices.Contains(all, t.symbol) {
				all = append(all, t.symbol)
			}
		}
	}
	return all
}

// legality is where in a legal repository name a word stands.
type legality uint8

const (
	atStart legality = iota // of a part
	afterText
	afterDot
	afterUnderscore
	afterTwo // underscores
	afterDash
	illegal
)

// after gives where the word stands after one more symbol.
func (l legality) after(symbol byte) legality {
	switch {
	case symbol == '/' && l == afterText:
		return atStart
	case symbol == '.' && l == afterText:
		return afterDot
	case symbol == '_' && l == afterText:
		return afterUnderscore
	case symbol == '_' && l == afterUnderscore:
		return afterTwo
	case symbol == '-' && (l == afterText || l == afterDash):
		return afterDash
	case strings.IndexByte("/._-", symbol) >= 0:
		return illegal
	default:
		return afterText
	}
}
