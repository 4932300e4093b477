package identity

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which names are compared: NFC, and ASCII letters in lower case; nothing more. Two
// names are the same name exactly when their folded forms are equal. It does not allocate for a name that
// is folded already and ASCII.
func Fold(name string) string {
	ascii, upper := true, false
	for i := range len(name) {
		c := name[i]
		ascii = ascii && c < utf8.RuneSelf
		upper = upper || 'A' <= c && c <= 'Z'
	}
	switch {
	case ascii && !upper:
		return name
	case ascii:
		return strings.ToLower(name)
	default: // composed first, so that equivalent texts meet; and again, as a lowered letter may compose anew
		return norm.NFC.String(lowerASCII(norm.NFC.String(name)))
	}
}

// lowerASCII lowers ASCII letters byte by byte, so that invalid UTF-8 stays as it is.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
