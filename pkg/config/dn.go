package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkDN reports why a text is not a distinguished name of RFC 4514: type=value pairs, separated by commas
// (+ inside one level), with the special letters of a value escaped by a backslash.
func checkDN(text string) error {
	const longest = 4 << 10
	switch {
	case !utf8.ValidString(text):
		return errors.New("it is not UTF-8")
	case len(text) > longest:
		return fmt.Errorf("it is longer than %d bytes", longest)
	}
	for text != "" {
		name, rest, ok := strings.Cut(text, "=")
		if name = strings.TrimLeft(name, " "); !ok || !isAttribute(name) {
			return fmt.Errorf("%s is not type=value", shown(name))
		}
		n, err := dnValue(rest)
		if err != nil {
			return fmt.Errorf("the value of %s: %w", name, err)
		}
		if n == len(rest) {
			return nil
		}
		if text = rest[n+1:]; text == "" {
			return errors.New("it ends with a separator")
		}
	}
	return errors.New("it is empty")
}

// dnValue returns where the value at the start of a text ends: at a separator or at the end.
func dnValue(text string) (end int, err error) {
	if strings.HasPrefix(strings.TrimLeft(text, " "), "#") {
		return hexValue(text)
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ',', '+':
			return i, notBlank(text[:i])
		case '\\':
			n := escape(text[i+1:])
			if n == 0 {
				return 0, errors.New("a backslash escapes nothing")
			}
			i += n
		case '"', ';', '<', '>', 0:
			return 0, fmt.Errorf("%q must be escaped with a backslash", text[i])
		}
	}
	return len(text), notBlank(text)
}

// hexValue is dnValue for a value in hexadecimal digits behind #.
func hexValue(text string) (end int, err error) {
	end = strings.IndexAny(text, ",+")
	if end < 0 {
		end = len(text)
	}
	digits := strings.Trim(text[:end], " ")[1:]
	if _, err := hex.DecodeString(digits); err != nil || digits == "" {
		return 0, errors.New("# must be followed by pairs of hexadecimal digits")
	}
	return end, nil
}

func notBlank(value string) error {
	if strings.Trim(value, " ") == "" {
		return errors.New("it is empty")
	}
	return nil
}

// escape returns how many bytes a backslash at the front of text escapes; 0 if it must not stand there.
func escape(text string) int {
	switch {
	case text == "":
		return 0
	case strings.IndexByte(` "#+,;<=>\`, text[0]) >= 0:
		return 1
	case len(text) > 1 && isHex(text[0]) && isHex(text[1]):
		return 2
	default:
		return 0
	}
}

func isHex(b byte) bool { return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f' }

// isAttribute reports whether a text is an attribute's name or object identifier (RFC 4512 section 1.4).
func isAttribute(name string) bool {
	const longest = 128
	if name == "" || len(name) > longest {
		return false
	}
	letters := name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z'
	for i := range len(name) {
		b := name[i]
		switch {
		case b >= '0' && b <= '9':
		case letters && (b|0x20 >= 'a' && b|0x20 <= 'z' || b == '-'):
		case !letters && b == '.' && i > 0:
		default:
			return false
		}
	}
	return true
}

// checkFilter reports why a text cannot be an LDAP filter of RFC 4515. It sees the parentheses only; the
// directory is the judge of the rest.
func checkFilter(text string) error {
	if !strings.HasPrefix(text, "(") {
		return errors.New("it does not start with (")
	}
	depth := 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && i != len(text)-1 {
			return errors.New("something follows its last )")
		}
	}
	if depth != 0 {
		return errors.New("a ) is missing")
	}
	return nil
}
