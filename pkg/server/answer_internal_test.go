package server

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzAppendString: the text is a JSON string that reads back as the text.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x1f\x7f", "é☃\U0001F511\u2028", "\xff\xc3", "<a>&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := appendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != string([]rune(s)) {
			t.Errorf("appendString(%q) = %s, reads as %q, %v", s, got, back, err)
		}
	})
}

// FuzzForm: parameters read as package url reads them; a form that it refuses is refused, but for semicolons.
func FuzzForm(f *testing.F) {
	for _, s := range []string{
		"", "service=a&scope=b+c&scope=%20", "scope=%zz", "service=a&service=a", "service=a&service=b", "&&=&a", "scope", "%73cope=x", "a;b=c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		var got form
		err := got.read(encoded)
		want, wantErr := url.ParseQuery(encoded)
		if strings.Contains(encoded, ";") {
			return
		}
		if wantErr != nil {
			if err == nil {
				t.Errorf("%q is accepted, want %v", encoded, wantErr)
			}
			return
		}
		if err != nil {
			if fits(want) {
				t.Errorf("%q is refused: %v", encoded, err)
			}
			return
		}
		if !slices.Equal(got.scopes, want["scope"]) || got.service.text != want.Get("service") || got.password.text != want.Get("password") {
			t.Errorf("%q reads as %+v, want %v", encoded, got, want)
		}
	})
}

// fits reports whether no parameter that decides something differs from itself.
func fits(values url.Values) bool {
	for _, name := range []string{"service", "grant_type", "username", "password"} {
		for _, v := range values[name] {
			if v != values.Get(name) {
				return false
			}
		}
	}
	return true
}
