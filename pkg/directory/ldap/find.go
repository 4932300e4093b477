package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Find searches the one entry whose login attributes have the value login. The name is taken as it is:
// nothing is trimmed, folded or split. An entry that was found by another name than its canonical one costs a second
// search, as that name must be its own. A Backend has no memory of entries, so maxAge is of no account.
func (b *Backend) Find(ctx context.Context, login string, _ time.Duration) (directory.Entry, error) {
	if !validText(login, maxLogin) {
		return directory.Entry{}, b.refuse(identity.ReasonBadName, directory.Entry{}, "")
	}
	e, err := b.findOne(ctx, login)
	if err != nil || identity.Fold(e.Name) == identity.Fold(login) || b.shape.ownsNames {
		return e, err
	}
	return b.confirm(ctx, e)
}

// FindID searches the account with an id. A text that cannot be an id is nobody's.
func (b *Backend) FindID(ctx context.Context, id string, _ time.Duration) (directory.Entry, error) {
	if !validText(id, maxLogin) {
		return directory.Entry{}, b.refuse(identity.ReasonBadName, directory.Entry{}, "")
	}
	filter, ok := b.shape.idFilter(id)
	if !ok {
		return directory.Entry{}, b.notFound("")
	}
	e, err := b.searchOne(ctx, filter)
	if err == nil && e.ID != id { // servers compare without case, callers do not
		return directory.Entry{}, b.notFound("")
	}
	return e, err
}

// findOne searches the one entry that has a login name.
func (b *Backend) findOne(ctx context.Context, login string) (directory.Entry, error) {
	filter, err := b.nameFilter(ctx, login)
	if err != nil {
		return directory.Entry{}, err
	}
	return b.searchOne(ctx, filter)
}

// searchOne searches the one account that a filter finds.
func (b *Backend) searchOne(ctx context.Context, filter string) (directory.Entry, error) {
	const twoAreTooMany = 2
	asked := b.options.Now()
	result, f := b.locator().search(ctx, nil, &goldap.SearchRequest{
		BaseDN: b.shape.users, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
		SizeLimit: twoAreTooMany, TimeLimit: b.timeLimit(), Filter: filter, Attributes: b.shape.userAttributes,
	})
	if f != nil {
		return directory.Entry{}, b.findError(f)
	}
	switch len(result.Entries) {
	case 0:
		return directory.Entry{}, b.notFound("")
	case 1:
		return b.entry(ctx, result.Entries[0], asked)
	default:
		detail := fmt.Sprintf("more than one entry has this login name: %q, %q", result.Entries[0].DN, result.Entries[1].DN)
		return directory.Entry{}, b.refuse(identity.ReasonAmbiguous, directory.Entry{}, detail)
	}
}

// confirm looks whether the canonical name of an entry that was found by another name leads back to it. Rules and
// tokens follow that name, and people may write some attributes of their own entry, as mail.
func (b *Backend) confirm(ctx context.Context, e directory.Entry) (directory.Entry, error) {
	same, err := b.findOne(ctx, e.Name)
	switch {
	case err == nil && same.ID == e.ID:
		return e, nil
	case err == nil || errors.Is(err, identity.ErrInvalidCredentials):
		return directory.Entry{}, b.refuse(identity.ReasonAmbiguous, directory.Entry{ID: e.ID}, "its canonical name is not its own")
	}
	return directory.Entry{}, err
}

// notFound makes the error of a name or id that leads nowhere.
func (b *Backend) notFound(detail string) error {
	return b.refuse(identity.ReasonNotFound, directory.Entry{}, detail)
}

// findError makes the error of a search for an entry that gave no entries.
func (b *Backend) findError(f *serverError) error {
	switch {
	case f.class == classAnswer && f.code == resultSizeLimitExceeded && f.entries > 1: // fewer came: the limit is the server's own
		return b.refuse(identity.ReasonAmbiguous, directory.Entry{}, "more than one entry has this login name")
	case f.class == classAnswer && f.code == resultNoSuchObject:
		f = &serverError{class: classConfig, step: "search accounts", text: "users.base_dn does not exist or may not be read", err: f}
	}
	return b.unavailable(f)
}

// entry reads what the directory held about an account when it was asked at the earliest.
func (b *Backend) entry(ctx context.Context, e *goldap.Entry, asked time.Time) (directory.Entry, error) {
	id, name := idOf(e, b.shape.idAttribute), nameOf(e, b.shape.canonical)
	switch {
	case id == "":
		return directory.Entry{}, b.unavailable(&serverError{
			class: classConfig, step: "read an account",
			text: "its entry has no " + b.shape.idAttribute + " that the service account may read: look at users.id_attribute and its rights",
		})
	case name == "":
		return directory.Entry{}, b.nameless(ctx, e)
	}
	return directory.Entry{
		ID: id, DN: e.DN, Name: name, PasswordChanged: b.options.Users.State.passwordChanged(e),
		Lockout:    b.options.Users.State.entryLockout(e, b.options.Now()),
		Attributes: b.kept(e, name), ReadAt: asked,
	}, nil
}

// nameless makes the error of an entry that has no canonical name: no rule and no token could name it. That is no account
// to be used, and no outage, but where the entry was found by that very name.
func (b *Backend) nameless(ctx context.Context, e *goldap.Entry) error {
	missing := "its entry has no " + b.shape.canonical + " that the service account may read: look at users.login_attributes and its rights"
	if len(b.shape.loginAttributes) == 1 {
		return b.unavailable(&serverError{class: classConfig, step: "read an account", text: missing})
	}
	b.log.WarnContext(ctx, "an entry without a canonical name cannot log in", "dn", e.DN, "attribute", b.shape.canonical)
	return b.notFound(fmt.Sprintf("%q: %s", e.DN, missing))
}

// kept gives what a search for groups needs of an entry beside its DN and name; as a rule that is nothing, and
// many entries are remembered.
func (b *Backend) kept(e *goldap.Entry, name string) map[string][]string {
	if b.shape.method != MemberSearch {
		return nil
	}
	var attributes map[string][]string
	for _, a := range []string{b.shape.uidAttribute, b.shape.gidAttribute} {
		v := e.GetEqualFoldAttributeValues(a)
		if len(v) == 0 || a == b.shape.uidAttribute && len(v) == 1 && v[0] == name {
			continue
		}
		if attributes == nil {
			attributes = map[string][]string{}
		}
		attributes[a] = v
	}
	return attributes
}

// first gives an attribute's first value, or nothing.
func first(e *goldap.Entry, attribute string) string {
	if v := e.GetEqualFoldAttributeValues(attribute); len(v) > 0 {
		return v[0]
	}
	return ""
}

// changed reads a generalized time; what cannot be read is zero.
func changed(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := ber.ParseGeneralizedTime([]byte(strings.TrimSpace(text)))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// timeLimit is what the server is asked to keep to, in whole seconds. It ends what nobody waits for any more, and nothing
// before: a server that counts by the seconds of its clock (Samba) ends a search of N seconds up to a second early.
func (b *Backend) timeLimit() int {
	whole := (b.options.Timeouts.Operation + time.Second - 1) / time.Second
	return int(whole) + 1
}
