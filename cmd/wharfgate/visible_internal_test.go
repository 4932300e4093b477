package main

import (
	"strings"
	"testing"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		"cn=Büro Köln,dc=corp":      "cn=Büro Köln,dc=corp",
		`cn=A\, B "x"`:              `cn=A\, B "x"`,
		"esc\x1b[31m\rX":            `esc\x1b[31m\rX`,
		"two\nlines":                `two\nlines`,
		"\u202egpj.exe\u0085\u2028": `\u202egpj.exe\u0085\u2028`,
		"\xff":                      "\ufffd",
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
	if got, want := visibleLines("a\x07\nb"), `a\a`+"\nb"; got != want {
		t.Errorf("visibleLines = %q, want %q", got, want)
	}
}

// TestLoginPrintsNamesVisibly: whoever may name a group or an account does not write to the operator's terminal.
func TestLoginPrintsNamesVisibly(t *testing.T) {
	t.Parallel()
	const evil = "x\x1b[2J\nrights:"
	for _, r := range []loginResult{
		{OK: true, DN: evil, Name: evil, ID: evil, Groups: []string{evil}, Rights: []right{{Sentence: evil, Repos: []string{evil}}}},
		{DN: evil, Detail: evil},
	} {
		var b strings.Builder
		if err := r.print(&b); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.Contains(text, "\x1b") || strings.Contains(text, "\nrights:\n  none") || strings.Count(text, "\nrights:") > 1 {
			t.Errorf("printed %q", text)
		}
	}
}
