package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// errMoved means that a login name led to another entry by the time of the bind.
var errMoved = fmt.Errorf("the name leads to another entry by now: %w", identity.ErrUnavailable)

// question is one password that wants to be proven.
type question struct {
	identity.Credentials

	start     time.Time
	entry     Entry
	print     guard.Fingerprint
	admission guard.Admission // what is known of the password at this entry
}

// proven is an entry with the proof of its password; a zero proof proves nothing.
type proven struct {
	entry   Entry
	proof   Proof
	unasked bool // the directory was away, and an older proof stands for this one
}

// prove has the password of a question proven, once for everybody who asks the same.
func (a *Authenticator) prove(ctx context.Context, q question) (proven, error) {
	answer, err := a.binds.Do(ctx, q.print, func(ctx context.Context) (proven, error) {
		if p, ok := a.latecomers.get(q); ok {
			a.observer.coalesced(a.source, bindKind)
			return p, nil
		}
		sent := a.now()
		p, err := a.ask(ctx, q)
		if err == nil {
			a.latecomers.keep(q.print, sent, p)
		}
		return p, err
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
	p, err := a.bind(ctx, &q)
	if errors.Is(err, errMoved) {
		p, err = a.bind(ctx, &q)
	}
	age := a.age(q.entry)
	strange := q.admission.Valid && !q.entry.PasswordChanged.IsZero() // what was right and was not changed is no more
	if err == nil && !q.admission.Valid && !p.proof.ByID && age > freshAge || doubtful(err) && (strange || age > settledAge) {
		p, err = a.askAgain(ctx, &q, p, err)
	}
	a.learn(ctx, &q, err)
	return p, err
}

// learn remembers what a bind said about a password. A directory that does not tell of locks answers every password of a
// locked account as a wrong one: that one of such an account is wrong is not believed for long.
func (a *Authenticator) learn(ctx context.Context, q *question, err error) {
	switch {
	case err == nil:
		a.admissions.Remember(a.source, q.entry.ID, q.Password, q.entry.PasswordChanged)
		return
	case refused(err, identity.ReasonWrongPassword):
		locked := a.rule(ctx, q.entry).MayLock(q.entry.Lockout.Seen, a.now())
		a.wrong.Remember(q.print, a.lasting(q, locked))
		if q.admission.Valid && (!locked || q.entry.PasswordChanged.IsZero()) {
			a.admissions.Forget(a.source, q.entry.ID)
			return
		}
	}
	if errors.Is(err, identity.ErrInvalidCredentials) && !refused(err, identity.ReasonKnownWrongPassword) {
		a.admissions.Doubt(a.source, q.entry.ID)
	}
}

// lasting says how long a wrong password is remembered: for long only if a change of the password would show, and no
// lock may have hidden that it is right. Just after a change, a server may not know the new password yet; the one before
// it is wrong at every server.
func (a *Authenticator) lasting(q *question, locked bool) guard.Lasting {
	changed := q.entry.PasswordChanged
	switch {
	case changed.IsZero():
		return guard.Briefly
	case q.admission.Same && !q.admission.Valid:
		return guard.Long
	case locked:
		return guard.Briefly
	case a.now().Sub(changed) >= replicated:
		return guard.Long
	default:
		return guard.Briefly
	}
}

// askAgain reads the entry of a bind again: one that said yes is p, one that said no is the error. The question's
// entry is the fresh one afterwards.
func (a *Authenticator) askAgain(ctx context.Context, q *question, p proven, no error) (proven, error) {
	fresh, err := find(ctx, a.backend, q.Username, 0)
	switch {
	case errors.Is(err, identity.ErrInvalidCredentials):
		return proven{}, err
	case err != nil && no != nil:
		return proven{}, no // the directory did answer, and said no
	case err != nil:
		return proven{}, complete(err, a.source, q.entry) // nobody knows whose password was right
	}
	moved := fresh.ID != q.entry.ID || fresh.DN != q.entry.DN
	a.take(q, fresh)
	switch {
	case moved:
		return a.bind(ctx, q)
	case no != nil:
		return proven{}, no
	default:
		return proven{entry: fresh, proof: p.proof}, nil
	}
}

// bind sends one bind, of an entry that is fresh unless the password was proven before. Its errors carry the names of
// the entry that was bound.
func (a *Authenticator) bind(ctx context.Context, q *question) (proven, error) {
	if a.wrong.Known(q.print) { // it was in flight when this question was on its way here
		return proven{}, a.knownWrong(q.entry)
	}
	t, err := a.turn(ctx, *q)
	if err != nil {
		return proven{}, complete(err, a.source, q.entry)
	}
	defer t.end()
	if err := a.prepare(ctx, q, t); err != nil {
		return proven{}, complete(err, a.source, q.entry)
	}
	proof, err := a.backend.Prove(ctx, q.entry, q.Password, t)
	if err != nil {
		return proven{}, complete(err, a.source, q.entry)
	}
	if proof.IsZero() {
		return proven{}, complete(errNoProof, a.source, q.entry)
	}
	return proven{entry: q.entry, proof: proof}, nil
}

// prepare looks, before a password is sent that was not proven before, at the entry as it is now, and at what the
// directory itself counts: the bind must not be the one that locks the account.
func (a *Authenticator) prepare(ctx context.Context, q *question, t *turn) error {
	if q.admission.Valid {
		return nil
	}
	last := t.attempts.Last() // which the directory counts as well
	maxAge := min(freshAge, max(a.now().Sub(last), 0))
	// An answer that comes now may have been on its way when the last bind failed; the next but one cannot have been.
	const most = 3
	for tries := 0; tries < most && (tries == 0 && a.age(q.entry) > freshAge || !q.entry.ReadAt.After(last)); tries++ {
		e, err := find(ctx, a.backend, q.Username, maxAge)
		if err != nil {
			return err
		}
		before := q.entry.ID
		a.take(q, e)
		if e.ID != before {
			return errMoved // what was reserved is another account's
		}
		if a.wrong.Known(q.print) {
			return a.knownWrong(e)
		}
		maxAge = 0
	}
	err := t.attempts.Leaves(q.entry.Lockout.Seen, a.now())
	a.tell(err)
	return err
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
