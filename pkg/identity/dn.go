package identity

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// ErrInvalidDN means that a text is not a distinguished name in the form of RFC 4514.
var ErrInvalidDN = errors.New("not a distinguished name")

// maxDN bounds the length of a distinguished name in bytes.
const maxDN = 16 << 10

// NormalDN gives the form in which distinguished names are compared: attribute types in lower case, values
// unescaped, folded by [Fold] and escaped again in one way, the parts of a multi-valued RDN sorted, no space
// around separators. It understands the string form of RFC 4514, and ";" as a separator as RFC 2253 allows
// on input. Anything else, the empty text included, is [ErrInvalidDN]; such a name matches nothing.
func NormalDN(dn string) (string, error) {
	if dn == "" || len(dn) > maxDN {
		return "", ErrInvalidDN
	}
	p := dnParser{rest: dn}
	var out strings.Builder
	for {
		rdn, err := p.rdn()
		if err != nil {
			return "", err
		}
		out.WriteString(rdn)
		if p.rest == "" {
			return out.String(), nil
		}
		p.rest = p.rest[1:] // the separator that ended the RDN
		out.WriteByte(',')
	}
}

// dnParser reads a distinguished name from the left.
type dnParser struct{ rest string }

// rdn reads one relative name and stops before "," or ";" or at the end.
func (p *dnParser) rdn() (string, error) {
	var parts []string
	for {
		kind, text, ok := strings.Cut(p.rest, "=")
		kind = strings.Trim(kind, " ")
		if !ok || !validAttributeType(kind) {
			return "", ErrInvalidDN
		}
		p.rest = text
		value, err := p.value()
		if err != nil {
			return "", err
		}
		parts = append(parts, Fold(kind)+"="+value)
		if p.rest == "" || p.rest[0] != '+' {
			break
		}
		p.rest = p.rest[1:]
	}
	slices.Sort(parts)
	return strings.Join(parts, "+"), nil
}

// value reads an attribute value up to an unescaped separator and gives its normal form.
func (p *dnParser) value() (string, error) {
	s := strings.TrimLeft(p.rest, " ")
	if strings.HasPrefix(s, "#") {
		return p.hexValue(s)
	}
	var raw []byte
	keep := 0 // bytes that trailing-space trimming must keep: those up to the last escaped or non-space one
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == ',' || c == ';' || c == '+' {
			break
		}
		if c == '"' || c == '<' || c == '>' || c == 0 {
			return "", ErrInvalidDN
		}
		if c != '\\' {
			raw = append(raw, c)
			if c != ' ' {
				keep = len(raw)
			}
			continue
		}
		n, b, err := unescape(s[i+1:])
		if err != nil {
			return "", err
		}
		raw = append(raw, b)
		keep = len(raw)
		i += n
	}
	p.rest = s[i:]
	return escapeValue(Fold(string(raw[:keep]))), nil
}

// hexValue reads the #hex form of a value, which is kept as it is, in lower case.
func (p *dnParser) hexValue(s string) (string, error) {
	end := strings.IndexAny(s, ",;+")
	if end < 0 {
		end = len(s)
	}
	digits := strings.TrimRight(s[1:end], " ")
	if _, err := hex.DecodeString(digits); err != nil || digits == "" {
		return "", ErrInvalidDN
	}
	p.rest = s[end:]
	return "#" + strings.ToLower(digits), nil
}

// unescape reads what follows a backslash: two hex digits or one special character.
func unescape(s string) (length int, b byte, err error) {
	if len(s) >= 2 {
		var pair [1]byte
		if _, err := hex.Decode(pair[:], []byte(s[:2])); err == nil {
			return 2, pair[0], nil
		}
	}
	if s != "" && strings.IndexByte(` "#+,;<=>\`, s[0]) >= 0 {
		return 1, s[0], nil
	}
	return 0, 0, ErrInvalidDN
}

// escapeValue writes a value so that every special byte has exactly one form.
func escapeValue(v string) string {
	if strings.IndexFunc(v, func(r rune) bool { return special(byte(r)) && r < 0x80 }) < 0 &&
		!strings.HasPrefix(v, " ") && !strings.HasSuffix(v, " ") {
		return v
	}
	var b strings.Builder
	for i := range len(v) {
		c := v[i]
		if special(c) || c == ' ' && (i == 0 || i == len(v)-1) {
			b.WriteByte('\\')
			b.WriteString(hex.EncodeToString([]byte{c}))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// special reports whether a byte is always written as an escape in the normal form.
func special(c byte) bool {
	return c < 0x20 || c == 0x7f || c < 0x80 && strings.IndexByte("\"#+,;<=>\\", c) >= 0
}

// validAttributeType reports whether s is a short name or a numeric OID (RFC 4512 section 1.4).
func validAttributeType(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}
