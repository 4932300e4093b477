package directory

import (
	"context"
	"strings"
)

// Forgotten is what was remembered of one account before it was forgotten.
type Forgotten struct {
	// Source and ID name the account; Name is its login name, empty where only the id is known.
	Source, ID, Name string
	// WrongPasswords is how many passwords were known to be wrong, FailedBinds how many failed binds counted.
	WrongPasswords, FailedBinds int
	// Proven is true if a password was known to be right.
	Proven bool
}

// Forget drops everything that is remembered of the account of a login name, or of an id in the form that
// [Authenticator.Resolve] takes: wrong passwords, failed binds, the password that was right, entry and groups. Errors are
// those of Resolve; an id needs no answer of the directory.
func (a *Authenticator) Forget(ctx context.Context, idOrLogin string) (Forgotten, error) {
	e := Entry{}
	if id, ok := strings.CutPrefix(idOrLogin, IDPrefix); ok && admitName(id) == nil {
		e.ID = id
	}
	if e.ID == "" {
		if err := admitName(idOrLogin); err != nil {
			return Forgotten{}, complete(err, a.source, Entry{})
		}
		found, err := find(ctx, a.backend, idOrLogin, AnyAge)
		if err != nil {
			return Forgotten{}, complete(err, a.source, Entry{})
		}
		e = found
	}
	if c, ok := a.backend.(interface{ Forget(id string) }); ok {
		c.Forget(e.ID)
	}
	return Forgotten{
		Source: a.source, ID: e.ID, Name: e.Name,
		WrongPasswords: a.wrong.Forget(a.source, e.ID), FailedBinds: a.budget.Forget(a.source, e.ID),
		Proven: a.admissions.Forget(a.source, e.ID),
	}, nil
}

// Forget is [Authenticator.Forget] at the directory that a name belongs to, or at the one that is named.
func (r *Realms) Forget(ctx context.Context, source, idOrLogin string) (Forgotten, error) {
	p, err := r.place(ctx, source, idOrLogin)
	if err != nil {
		return Forgotten{}, complete(err, p.source(), Entry{})
	}
	return p.directory.Forget(ctx, p.login)
}
