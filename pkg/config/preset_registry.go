package config

import (
	"cmp"
	"strings"
)

// formX5C is the key form whose keys need no name: certificates under the signing CA.
const formX5C = "x5c"

// applyPreset fills empty fields. What the operator wrote is never changed.
func (r *Registry) applyPreset() {
	form, name := formX5C, strings.ToLower(r.Algorithm)
	if r.Kind == "zot" {
		form, name = "rfc7638", keyName(r.Service)
	}
	r.KeyForm = cmp.Or(r.KeyForm, form)
	if r.KeyForm != formX5C && r.KeyFile == "" {
		r.KeyName = cmp.Or(r.KeyName, name)
	}
}

// keyName makes the name of a file of a service.
func keyName(service string) string {
	return strings.Map(func(c rune) rune {
		if isNameLetter(c) {
			return c
		}
		return '-'
	}, strings.ToLower(service))
}

// isNameLetter reports whether a letter may stand in the name of keys.
func isNameLetter(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}
