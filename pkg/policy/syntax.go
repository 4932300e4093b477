package policy

import "strconv"

// SyntaxError is a fault in the text of one pattern or one name. Codes are stable.
type SyntaxError struct {
	// Code names the kind of fault, such as "bad-pattern".
	Code string
	// Message says what is wrong, Remedy what to write instead.
	Message, Remedy string
	// Offset and Length are the bytes of the text that are at fault.
	Offset, Length int
}

// Error gives message and remedy.
func (e *SyntaxError) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

// quote puts a text of the policy into an error message, bounded.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strconv.Quote(s)
}

// legalPart reports whether s is one part of a repository path:
// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*.
func legalPart(s string) bool {
	alnum := false // whether the last byte was a letter or a digit
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			alnum = true
			continue
		case !alnum:
			return false
		case c == '-':
			for i+1 < len(s) && s[i+1] == '-' {
				i++
			}
		case c == '_':
			if i+1 < len(s) && s[i+1] == '_' {
				i++
			}
		case c != '.':
			return false
		}
		alnum = false
	}
	return alnum
}
