package directory

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// maxLogin is how many bytes a typed login name may have.
const maxLogin = 256

// admit decides whether credentials may be worked on at all: what it refuses never reaches a [Backend]. An empty
// password would be an anonymous bind, and so would one that begins with NUL, where something behind the directory ends
// texts at it, or one of nothing but white space, where something trims it. All others go on as they are.
func admit(login string, password identity.Secret) error {
	if err := admitName(login); err != nil {
		return err
	}
	if text := password.Reveal(); strings.TrimSpace(text) == "" || strings.HasPrefix(text, "\x00") {
		return &identity.AccountError{Reason: identity.ReasonWrongPassword, Detail: "empty password"}
	}
	return nil
}

// admitName decides whether a typed name can be a login name.
func admitName(login string) error {
	var detail string
	switch {
	case login == "":
		detail = "empty name"
	case len(login) > maxLogin:
		detail = "name is too long"
	case !utf8.ValidString(login):
		detail = "name is not UTF-8"
	case strings.ContainsFunc(login, unicode.IsControl):
		detail = "name has a control character"
	default:
		return nil
	}
	return &identity.AccountError{Reason: identity.ReasonBadName, Detail: detail}
}
