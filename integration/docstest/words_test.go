package docstest_test

import (
	"slices"
	"strings"
	"testing"
)

// call is one call of a program in a command line.
type call struct{ words []string }

// calls splits a command line of the shell at | && || ; and takes away redirections and what only says as
// whom or where something runs.
func calls(line string) []call {
	var all []call
	var current []string
	skip := false
	flush := func() {
		if len(current) > 0 {
			all = append(all, call{unwrap(current)})
		}
		current = nil
	}
	for _, word := range shellWords(line) {
		switch {
		case skip:
			skip = false
		case word == "|" || word == "||" || word == "&&" || word == ";" || word == "&":
			flush()
		case word == ">" || word == ">>" || word == "2>" || word == "<":
			skip = true
		case strings.HasPrefix(word, "#"):
			flush()
			return all
		default:
			current = append(current, word)
		}
	}
	flush()
	return all
}

// unwrap takes away sudo and the like.
func unwrap(words []string) []string {
	for _, wrapper := range [][]string{
		{"sudo", "-u", "wharfgate"},
		{"sudo"},
		{"docker", "compose", "run", "--rm"},
		{"go", "run", "./cmd/wharfgate"},
		{"go", "-C", "integration", "tool"},
	} {
		if len(words) > len(wrapper) && slices.Equal(words[:len(wrapper)], wrapper) {
			words = words[len(wrapper):]
			if wrapper[0] == "go" && wrapper[1] == "run" {
				words = append([]string{"wharfgate"}, words...)
			}
		}
	}
	return words
}

// shellWords splits a line into words, with quotes understood.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	in, quote := false, byte(0)
	flush := func() {
		if in {
			words = append(words, word.String())
		}
		word.Reset()
		in = false
	}
	for i := range len(line) {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			in, quote = true, c
		case c == ' ' || c == '\t':
			flush()
		case c == ';':
			flush()
			words = append(words, ";")
		default:
			in = true
			word.WriteByte(c)
		}
	}
	flush()
	return words
}

func TestCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want []string
	}{
		{"wharfgate version", []string{"wharfgate version"}},
		{"wharfgate keys export -c x > y.pem  # note", []string{"wharfgate keys export -c x"}},
		{"curl -s 'http://h/?a b' | grep x && sudo wharfgate check", []string{"curl -s http://h/?a b", "grep x", "wharfgate check"}},
		{"docker compose run --rm wharfgate version; go run ./cmd/wharfgate version", []string{"wharfgate version", "wharfgate version"}},
		{"go -C integration tool crane version", []string{"crane version"}},
	}
	for _, tt := range tests {
		var got []string
		for _, c := range calls(tt.line) {
			got = append(got, strings.Join(c.words, " "))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("calls(%q) = %q, want %q", tt.line, got, tt.want)
		}
	}
}
