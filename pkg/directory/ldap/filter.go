package ldap

import (
	"slices"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	// maxLogin bounds a login name in bytes.
	maxLogin = 256
	// maxGroupText bounds a group's name, id or DN in bytes.
	maxGroupText = 16 << 10
)

// withoutRepeats drops attributes that are named twice, or not at all; names are compared without case.
func withoutRepeats(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" && !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, n) }) {
			out = append(out, n)
		}
	}
	return out
}

// validText reports whether a text can be a name at all: not empty, bounded, UTF-8, no control characters.
func validText(text string, most int) bool {
	if text == "" || len(text) > most || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r < 0x20 || 0x7f <= r && r < 0xa0 {
			return false
		}
	}
	return true
}

// loginFilter gives the filter that finds the entry of a login name.
func (s *shape) loginFilter(login string) string {
	f := newFilter(s.userFilter)
	value := goldap.EscapeFilter(login)
	for _, a := range s.loginAttributes {
		f.equal(a, value)
	}
	return f.String()
}

// idFilter gives the filter that finds the account with an id; false for a text that is no id.
func (s *shape) idFilter(id string) (string, bool) {
	value, ok := idValue(s.idAttribute, id)
	f := newFilter(s.userFilter)
	f.equal(s.idAttribute, value)
	return f.String(), ok
}

// memberFilter gives the filter that finds the groups that name the entries with these DNs.
func (s *shape) memberFilter(dns []string) *filter {
	f := newFilter(s.groupFilter)
	for _, dn := range dns {
		value := goldap.EscapeFilter(dn)
		for _, a := range s.memberDN {
			f.equal(a, value)
		}
	}
	return f
}

// equalFilter gives the filter that finds the groups with one of the values in an attribute.
func (s *shape) equalFilter(attribute string, values []string) string {
	f := newFilter(s.groupFilter)
	for _, v := range values {
		f.equal(attribute, goldap.EscapeFilter(v))
	}
	return f.String()
}

// filter is built in one pass: a value that was put in is never looked at again.
type filter struct{ b strings.Builder }

// newFilter begins "all of narrow, and one of what is added".
func newFilter(narrow string) *filter {
	f := &filter{}
	f.b.WriteString("(&")
	f.b.WriteString(narrow)
	f.b.WriteString("(|")
	return f
}

// equal adds an alternative; value is escaped.
func (f *filter) equal(attribute, value string) {
	f.b.WriteByte('(')
	f.b.WriteString(attribute)
	f.b.WriteByte('=')
	f.b.WriteString(value)
	f.b.WriteByte(')')
}

// also adds an alternative that is a pair of conditions; the values are escaped.
func (f *filter) also(attribute, value, other, otherValue string) {
	f.b.WriteString("(&")
	f.equal(attribute, value)
	f.equal(other, otherValue)
	f.b.WriteByte(')')
}

// String ends the filter. It is called once.
func (f *filter) String() string {
	f.b.WriteString("))")
	return f.b.String()
}
