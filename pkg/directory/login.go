package directory

import (
	"context"
	"errors"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// settledAge is how old an entry may be for what hangs on it: that its password is the wrong one, or still is the
	// one that was proven.
	settledAge = 5 * time.Second
	// freshAge is how old an entry may be when a password is sent that is new for it: what is remembered then is
	// remembered for long.
	freshAge = time.Second
	// replicated is how long after its change a new password may be unknown to one of the directory's servers.
	replicated = 15 * time.Minute
)

// login is the flow: find, wrong-password memory, admission memory, limits and bind, account.
func (a *Authenticator) login(ctx context.Context, c identity.Credentials, start time.Time) (identity.Principal, error) {
	if err := admit(c.Username, c.Password); err != nil {
		return identity.Principal{}, complete(err, a.source, Entry{})
	}
	e, err := find(ctx, a.backend, c.Username, AnyAge)
	if err != nil {
		return identity.Principal{}, complete(a.notFound(ctx, c, err), a.source, Entry{})
	}
	q := question{Credentials: c, start: start}
	a.take(&q, e)
	if err := a.recall(ctx, &q); err != nil {
		return identity.Principal{}, complete(err, a.source, q.entry)
	}
	if err := a.recognize(&q); err != nil {
		return identity.Principal{}, complete(err, a.source, q.entry)
	}
	p, ok := a.believe(ctx, &q)
	if !ok {
		if p, err = a.prove(ctx, q); err != nil {
			p, err = a.standIn(&q, complete(err, a.source, q.entry))
		}
	}
	if err != nil {
		return identity.Principal{}, err
	}
	return a.whoever(ctx, c.Username, p)
}

// whoever makes the principal of a proven account. One that turns out to have another name by now is read again, if
// what was typed still leads to it.
func (a *Authenticator) whoever(ctx context.Context, login string, p proven) (identity.Principal, error) {
	principal, err := a.principal(ctx, p)
	if !refused(err, identity.ReasonNotFound) || a.age(p.entry) <= settledAge {
		return principal, err
	}
	e, errFind := find(ctx, a.backend, login, 0)
	if errFind != nil || e.ID != p.entry.ID {
		return principal, err
	}
	p.entry = e
	return a.principal(ctx, p)
}

// take makes an entry that of the question.
func (a *Authenticator) take(q *question, e Entry) {
	if !e.PasswordChanged.IsZero() && !a.dated.Load() {
		a.dated.Store(true)
	}
	q.entry, q.print = e, a.fingerprint(e, q.Password)
	q.admission = a.recollect(*q)
}

// recall refuses a password that is known to be wrong. Where the directory tells when a password changed, an entry
// that was read a while ago is read again first: the password may have become the right one.
func (a *Authenticator) recall(ctx context.Context, q *question) error {
	known := a.wrong.Known(q.print)
	if known && !q.entry.PasswordChanged.IsZero() && a.age(q.entry) > settledAge {
		e, err := find(ctx, a.backend, q.Username, settledAge)
		if err != nil {
			return err
		}
		a.take(q, e)
		known = a.wrong.Known(q.print)
	}
	if !known {
		a.observer.cache(a.source, wrongCache, missResult)
		return nil
	}
	a.observer.cache(a.source, wrongCache, hitResult)
	a.nag(q.Credentials, q.entry)
	return &identity.AccountError{Reason: identity.ReasonKnownWrongPassword}
}

// principal reads the account of an entry and makes it a principal.
func (a *Authenticator) principal(ctx context.Context, p proven) (identity.Principal, error) {
	account, err := a.backend.Account(ctx, p.entry, p.proof, AnyAge)
	if err != nil {
		if errors.Is(err, identity.ErrInvalidCredentials) {
			a.admissions.Doubt(a.source, p.entry.ID)
		}
		return identity.Principal{}, complete(err, a.source, p.entry)
	}
	changed := account.PasswordChanged
	if p.entry.PasswordChanged.After(changed) { // one of them was read after the last change
		changed = p.entry.PasswordChanged
	}
	return identity.Principal{
		Kind: identity.Person, Source: a.source, ID: p.entry.ID, Name: p.entry.Name,
		Groups: account.Groups, PasswordChanged: changed, Stale: account.Stale || p.unasked,
		Unjudged: account.Unjudged,
	}, nil
}

// fingerprint gives what stands for a password of an entry.
func (a *Authenticator) fingerprint(e Entry, s identity.Secret) guard.Fingerprint {
	return a.wrong.Fingerprint(a.source, e.ID, s, e.PasswordChanged)
}

// age is how long ago an entry was read.
func (a *Authenticator) age(e Entry) time.Duration { return a.now().Sub(e.ReadAt) }
