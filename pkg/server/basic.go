package server

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// maxUsername bounds a typed name in bytes.
	maxUsername = 256
	// maxPassword bounds a password in bytes; it leaves room for the signed tokens that machines send.
	maxPassword = 16 << 10
)

// basicCredentials reads the Authorization header. Without one, and with the empty name and empty password
// that some clients send instead, ok is false: the request is anonymous.
func basicCredentials(h http.Header) (user, password string, ok bool, err error) {
	values := h["Authorization"]
	switch len(values) {
	case 0:
		return "", "", false, nil
	case 1:
	default:
		return "", "", false, malformed("more than one Authorization header")
	}
	user, password, err = parseBasic(values[0])
	if err != nil {
		return "", "", false, err
	}
	return user, password, user != "" || password != "", nil
}

// parseBasic reads the value of an Authorization header (RFC 7617). The name ends at the first colon.
func parseBasic(value string) (user, password string, err error) {
	scheme, encoded, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "basic") {
		return "", "", errScheme
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
	if err != nil {
		return "", "", malformed("Authorization header: not base64")
	}
	user, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", malformed("Authorization header: no colon after the user name")
	}
	return user, password, nil
}

// checkCredentials refuses what is never asked about: the answer is the one to a wrong password.
func checkCredentials(user, password string) error {
	switch {
	case user == "" || password == "":
		return refused("empty user name or password")
	case len(user) > maxUsername || len(password) > maxPassword:
		return refused("user name or password too long")
	case !utf8.ValidString(user) || !utf8.ValidString(password):
		return refused("user name or password is not UTF-8")
	case strings.IndexFunc(user, unicode.IsControl) >= 0:
		return refused("control character in user name")
	default:
		return nil
	}
}

// refused is a refusal without a question to anybody.
func refused(detail string) error {
	return &identity.AccountError{Reason: identity.ReasonBadName, Detail: detail}
}
