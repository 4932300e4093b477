package directory

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// place is where a name leads: a directory, and what it is asked for.
type place struct {
	directory *Authenticator
	login     string
}

// source is the directory's name; empty for no place.
func (p place) source() string {
	if p.directory == nil {
		return ""
	}
	return p.directory.source
}

// place finds where a name of the source leads. An empty source is the one that the name belongs to.
func (r *Realms) place(ctx context.Context, source, idOrLogin string) (place, error) {
	if source == "" && !isID(idOrLogin) {
		return r.locate(ctx, idOrLogin)
	}
	for _, d := range r.all {
		if s := d.Directory.source; s != source && (source != "" || d != r.home) {
			continue
		}
		realm, _ := splitRealm(idOrLogin)
		if !isID(idOrLogin) && r.names[identity.Fold(realm)] == d {
			return d.place(ctx, idOrLogin)
		}
		return place{d.Directory, idOrLogin}, nil
	}
	return place{}, &identity.AccountError{Reason: identity.ReasonNotFound, Source: source, Detail: "unknown directory"}
}

// locate finds where a typed login leads. Beside an error the place is the directory that answers for it.
func (r *Realms) locate(ctx context.Context, login string) (place, error) {
	realm, _ := splitRealm(login)
	if d := r.names[identity.Fold(realm)]; d != nil {
		return d.place(ctx, login)
	}
	home := place{r.home.Directory, login}
	prefixed := strings.Contains(login, `\`)
	switch {
	case prefixed && len(r.all) > 1 && r.home.Form != AsTyped:
		return home, &identity.AccountError{Reason: identity.ReasonNotFound, Detail: "no directory has this realm"}
	case prefixed, r.lookup == ByRealm, len(r.all) == 1:
		return home, nil
	}
	return r.search(ctx, login)
}

// place says what the directory is asked for when a login with one of its realms was typed. Where no account is called
// like what stands before the @, the whole text may be one's mail address.
func (d *Realm) place(ctx context.Context, login string) (place, error) {
	_, name := splitRealm(login)
	typed, bare := place{d.Directory, login}, place{d.Directory, name}
	switch {
	case d.Form == AsTyped:
		return typed, nil
	case strings.Contains(login, `\`), lacks(admitName(name)):
		return bare, nil
	}
	_, err := find(ctx, d.Directory.backend, name, AnyAge)
	if lacks(err) {
		return typed, nil
	}
	if !errors.Is(err, identity.ErrUnavailable) {
		err = nil // whatever else is wrong with the account, its directory says
	}
	return bare, err
}

// lacks reports whether a directory said that it has no account of a name.
func lacks(err error) bool {
	return refused(err, identity.ReasonNotFound) || refused(err, identity.ReasonBadName)
}

// search looks for a name without a realm in one directory after the other. It ends at the first one that has it,
// or cannot say that it does not.
func (r *Realms) search(ctx context.Context, login string) (place, error) {
	home := place{r.home.Directory, login}
	if err := admitName(login); err != nil {
		return home, err
	}
	for _, d := range r.all {
		_, err := find(ctx, d.Directory.backend, login, AnyAge)
		if !lacks(err) {
			return place{d.Directory, login}, err
		}
	}
	return home, &identity.AccountError{Reason: identity.ReasonNotFound}
}

// splitRealm splits a typed login: DOMAIN\name, or else name@suffix at its last @. A name without a realm has an
// empty one.
func splitRealm(login string) (realm, name string) {
	if before, after, ok := strings.Cut(login, `\`); ok {
		return before, after
	}
	if i := strings.LastIndexByte(login, '@'); i >= 0 {
		return login[i+1:], login[:i]
	}
	return "", login
}

// isID reports whether a text that is resolved is an id and not a login name.
func isID(text string) bool { return strings.HasPrefix(text, IDPrefix) }

// refuse answers credentials that lead to no account as an unknown name of the directory is answered, and counts
// them alike.
func (a *Authenticator) refuse(ctx context.Context, c identity.Credentials, start time.Time, no error) error {
	if err := admit(c.Username, c.Password); err != nil {
		no = err
	} else if errors.Is(no, identity.ErrInvalidCredentials) {
		no = a.notFound(ctx, c, no)
	}
	err := complete(no, a.source, Entry{})
	a.observer.login(a.source, reason(err), a.now().Sub(start))
	return err
}
