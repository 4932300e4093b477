package server

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzBasic: what is accepted is what was encoded, byte for byte, and nothing that must not be asked about
// passes the check.
func FuzzBasic(f *testing.F) {
	for _, s := range []string{
		"alice:secret", ":", "a:", ":a", "a:b:c", "al\x00ice:x", "é:ü", "\xff:\xff", "noColon", "", strings.Repeat("a", 300) + ":x",
	} {
		f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte(s)), s)
	}
	f.Add("Bearer x", "a:b")
	f.Add("basic  Og== ", "a:b")
	f.Fuzz(func(t *testing.T, value, pair string) {
		user, password, err := parseBasic(value)
		if err == nil {
			_, encoded, _ := strings.Cut(value, " ")
			decoded, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
			if err != nil || user+":"+password != string(decoded) || strings.Contains(user, ":") {
				t.Errorf("parseBasic(%q) = %q, %q", value, user, password)
			}
			checkAccepted(t, user, password)
		}
		user, password, ok, err := basicCredentials(http.Header{
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))},
		})
		wantUser, wantPassword, colon := strings.Cut(pair, ":")
		switch {
		case !colon && err == nil:
			t.Errorf("%q passes without a colon", pair)
		case colon && (err != nil || user != wantUser || password != wantPassword || ok != (pair != ":")):
			t.Errorf("%q reads as %q, %q, %v, %v", pair, user, password, ok, err)
		}
	})
}

// checkAccepted fails if credentials pass that nobody may be asked about.
func checkAccepted(t *testing.T, user, password string) {
	t.Helper()
	if checkCredentials(user, password) != nil {
		return
	}
	if user == "" || password == "" || len(user) > 256 || !utf8.ValidString(user+password) || strings.ContainsFunc(user, unicode.IsControl) {
		t.Errorf("credentials %q, %q pass", user, password)
	}
}
