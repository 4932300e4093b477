package directory

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// question is one password that wants to be proven.
type question struct {
	start    time.Time
	login    string
	secret   identity.Secret
	client   netip.Addr
	entry    Entry
	print    guard.Fingerprint
	admitted bool // a bind has proven this password of this entry before
}

// proven is an entry with the proof of its password; a zero proof proves nothing.
type proven struct {
	entry Entry
	proof Proof
}

// prove has the password of a question proven, once for everybody who asks the same.
func (a *Authenticator) prove(ctx context.Context, q question) (proven, error) {
	answer, err := a.binds.Do(ctx, q.print, func(ctx context.Context) (proven, error) {
		return a.ask(ctx, q)
	})
	if !answer.Shared {
		if refused(err, identity.ReasonWrongPassword) {
			a.pace.note(a.now().Sub(q.start))
		}
		return answer.Value, err
	}
	a.observer.coalesced(a.source, bindKind)
	if err == nil && answer.Value.entry.ID != q.entry.ID {
		return a.ask(ctx, q) // another name of the remembered entry led to another account by now
	}
	return answer.Value, err
}

// ask sends the bind, and remembers what became of the password. An entry that was read a while ago may be out of
// date: it may have moved, and its DN may be another account's by now. So the directory is asked for it again
// before the answer counts, and the password gets one more bind if it is another entry. Only a password that is
// known to be the one of the entry's id needs no second look, which leaves one bind to a warm login.
func (a *Authenticator) ask(ctx context.Context, q question) (proven, error) {
	if a.wrong.Known(q.print) { // it was in flight when this question was on its way here
		return proven{}, a.knownWrong(q.entry)
	}
	p, err := a.bind(ctx, q)
	age := a.age(q.entry)
	if err == nil && !q.admitted && age > freshAge || doubtful(err) && age > settledAge {
		p, err = a.askAgain(ctx, &q, p, err)
	}
	switch {
	case err == nil:
		a.admissions.Remember(a.source, q.entry.ID, q.secret, q.entry.PasswordChanged)
	case refused(err, identity.ReasonWrongPassword):
		a.wrong.Remember(q.print)
		if q.admitted {
			a.admissions.Forget(a.source, q.entry.ID)
		}
	}
	return p, err
}

// askAgain reads the entry of a bind again: one that said yes is p, one that said no is the error. The question's
// entry is the fresh one afterwards.
func (a *Authenticator) askAgain(ctx context.Context, q *question, p proven, no error) (proven, error) {
	fresh, err := find(ctx, a.backend, q.login, 0)
	switch {
	case errors.Is(err, identity.ErrInvalidCredentials):
		return proven{}, err
	case err != nil && no != nil:
		return proven{}, no // the directory did answer, and said no
	case err != nil:
		return proven{}, complete(err, a.source, q.entry) // nobody knows whose password was right
	}
	moved := fresh.ID != q.entry.ID || fresh.DN != q.entry.DN
	q.entry, q.print = fresh, a.fingerprint(fresh, q.secret)
	q.admitted = a.admits(*q)
	switch {
	case moved:
	case no != nil:
		return proven{}, no
	default:
		return proven{entry: fresh, proof: p.proof}, nil
	}
	if a.wrong.Known(q.print) {
		return proven{}, a.knownWrong(fresh)
	}
	return a.bind(ctx, *q)
}

// bind sends one bind. Its errors carry the names of the entry that was bound.
func (a *Authenticator) bind(ctx context.Context, q question) (proven, error) {
	t, err := a.turn(ctx, q)
	if err != nil {
		return proven{}, complete(err, a.source, q.entry)
	}
	defer t.end()
	proof, err := a.backend.Prove(ctx, q.entry, q.secret, t)
	if err != nil {
		return proven{}, complete(err, a.source, q.entry)
	}
	if proof.IsZero() {
		return proven{}, complete(errNoProof, a.source, q.entry)
	}
	return proven{entry: q.entry, proof: proof}, nil
}

// doubtful reports whether a refusal may come from an entry that is out of date.
func doubtful(err error) bool {
	return refused(err, identity.ReasonWrongPassword) || refused(err, identity.ReasonNotFound)
}

// refused reports whether an error is a refusal for the reason.
func refused(err error, reason identity.Reason) bool {
	refusal, ok := errors.AsType[*identity.AccountError](err)
	return ok && refusal.Reason == reason
}

// knownWrong is the refusal of a password that the directory has refused before.
func (a *Authenticator) knownWrong(e Entry) error {
	return complete(&identity.AccountError{Reason: identity.ReasonKnownWrongPassword}, a.source, e)
}
