package directory

import (
	"context"
	"errors"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// What observers call the ways in which a password is believed without a bind.
const (
	// BelievedRecent: a bind proved it a moment ago.
	BelievedRecent = "recent"
	// BelievedOutage: a bind proved it minutes ago, and now the directory is away.
	BelievedOutage = "outage"
)

// believe lets a password pass that a bind proved a moment ago, where that is switched on. An entry that was read a
// while ago is read again first: its password may have been changed.
func (a *Authenticator) believe(ctx context.Context, q *question) (proven, bool) {
	if !q.admission.Stands(a.believable()) {
		return proven{}, false
	}
	if a.age(q.entry) > settledAge {
		e, err := find(ctx, a.backend, q.Username, settledAge)
		if err != nil {
			return proven{}, false // the bind will say what is wrong
		}
		a.take(q, e)
		if !q.admission.Stands(a.believable()) {
			return proven{}, false
		}
	}
	a.observer.believed(a.source, BelievedRecent)
	return proven{entry: q.entry}, true
}

// believable is how old a proof may be that stands for a bind: none from before the rules changed.
func (a *Authenticator) believable() time.Duration {
	since := a.rulesSince.Load()
	if since == 0 {
		return a.provenFor
	}
	return min(a.provenFor, a.now().Sub(time.Unix(0, since)))
}

// BindAgain has every password bound once more before [Options].ProvenFor lets it stand for a bind: for whoever changes
// the rules. What is believed while the directory is away stays.
func (a *Authenticator) BindAgain() { a.rulesSince.Store(a.now().UnixNano()) }

// standIn lets a password pass that a bind proved minutes ago while the directory cannot be asked, where that is
// switched on. Whoever types another one meanwhile ends that for the account: there is one guess.
func (a *Authenticator) standIn(q *question, err error) (proven, error) {
	if !outage(err) {
		return proven{}, err
	}
	if !q.admission.Same {
		a.admissions.Doubt(a.source, q.entry.ID)
	}
	// Asked again: another password may have been typed while this one waited for the directory.
	if q.admission = a.recollect(*q); !q.admission.Stands(a.provenIfDown) {
		return proven{}, err
	}
	a.observer.believed(a.source, BelievedOutage)
	return proven{entry: q.entry, unasked: true}, nil
}

// outage reports whether an error says that the directory is away. A queue that is full, or a client that has hung
// up, is none.
func outage(err error) bool {
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, identity.ErrUnavailable) {
		return false
	}
	return retry.Reason == identity.ReasonUnavailable || retry.Reason == identity.ReasonTimeout
}
