package ldap

import (
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// idForm is how an attribute writes the id of an entry. It follows from the attribute: nobody has to configure it.
type idForm uint8

const (
	textID idForm = iota // as it is: entryUUID, nsUniqueId, ...
	guidID               // objectGUID
	sidID                // objectSid
)

// The binary ids of Active Directory.
const (
	objectGUID = "objectGUID"
	objectSID  = "objectSid"
)

// formOf gives the form of an attribute.
func formOf(attribute string) idForm {
	switch {
	case strings.EqualFold(attribute, objectGUID):
		return guidID
	case strings.EqualFold(attribute, objectSID):
		return sidID
	default:
		return textID
	}
}

// idOf reads an entry's id. An id that is not there, or is none, is empty.
func idOf(e *goldap.Entry, attribute string) string {
	if formOf(attribute) == textID {
		return first(e, attribute)
	}
	raw := e.GetEqualFoldRawAttributeValues(attribute)
	if len(raw) != 1 {
		return ""
	}
	if formOf(attribute) == guidID {
		if g, err := newGUID(raw[0]); err == nil {
			return g.String()
		}
		return ""
	}
	if s, err := newSID(raw[0]); err == nil {
		return s.String()
	}
	return ""
}

// idValue gives the value of a filter that finds an entry by its id, escaped; false for a text that is no id.
func idValue(attribute, id string) (string, bool) {
	switch formOf(attribute) {
	case guidID:
		g, err := parseGUID(id)
		return escapeBytes(g[:]), err == nil
	case sidID:
		s, err := parseSID(id)
		return escapeBytes([]byte(s)), err == nil
	default:
		return goldap.EscapeFilter(id), id != ""
	}
}

// escapeBytes writes each byte as an escape (RFC 4515 section 3): no byte of a binary value is a character.
func escapeBytes(raw []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 3*len(raw))
	for _, c := range raw {
		out = append(out, '\\', digits[c>>4], digits[c&15])
	}
	return string(out)
}
