package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// settledAge is how old an entry may be to be taken as it is when its password turns out to be wrong.
	settledAge = 5 * time.Second
	// freshAge is how old an entry may be to be taken as it is when a password that is new for it turns out to be
	// right: what is remembered then is remembered for long.
	freshAge = time.Second
	// datedAge is how old an entry may be for its PasswordChanged to condemn a password unasked.
	datedAge = time.Minute
)

// Options says what an [Authenticator] works with.
type Options struct {
	// Source is the directory's configured name; it must not be empty.
	Source string
	// Backend is the directory, as a rule a [Cached]; it must not be nil.
	Backend Backend
	// WrongPasswords remembers wrong passwords; nil means a memory of its own with the defaults.
	WrongPasswords *guard.WrongPasswords
	// Admissions remembers proven passwords; nil means a memory of its own with the defaults.
	Admissions *guard.Admissions
	// Budget limits the failed binds of each account; nil means no limit.
	Budget *guard.Budget
	// Strangers counts names without an account as Budget counts accounts; nil means that they are not counted.
	Strangers *guard.Strangers
	// Addresses limits the failures of each client address; nil means no limit.
	Addresses *guard.Addresses
	// Unproven bounds how many passwords are bound at once that no bind has proven before; nil means no bound.
	Unproven *guard.Share
	// BindTimeout is how long the proof of one password may take; zero means 4 seconds.
	BindTimeout time.Duration
	// Observer is told what happens.
	Observer Observer
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Authenticator is the login flow of one directory. It is safe for concurrent use. Make one with [New].
type Authenticator struct {
	source     string
	backend    Backend
	wrong      *guard.WrongPasswords
	admissions *guard.Admissions
	budget     *guard.Budget
	strangers  *guard.Strangers
	addresses  *guard.Addresses
	unproven   *guard.Share
	binds      *cache.Flight[guard.Fingerprint, proven]
	pace       pace
	observer   Observer
	now        func() time.Time
}

var (
	_ identity.Authenticator = (*Authenticator)(nil)
	_ identity.Resolver      = (*Authenticator)(nil)
)

// New makes an Authenticator.
func New(o Options) (*Authenticator, error) {
	if o.Source == "" || o.Backend == nil {
		return nil, fmt.Errorf("%w: no source or no backend", ErrInvalidOptions)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	// A bind whose callers have left goes on: its answer is remembered, so that who hangs up and comes again
	// does not have the same wrong password sent twice.
	binds, errFlight := cache.NewFlight[guard.Fingerprint, proven](cache.FlightOptions{
		Timeout: orDefault(o.BindTimeout, defaultQuestionTimeout), Orphans: cache.Finish,
	})
	var errWrong, errAdmissions, errBudget error
	if o.WrongPasswords == nil {
		o.WrongPasswords, errWrong = guard.NewWrongPasswords(guard.WrongPasswordsOptions{
			Now: o.Now, Evicted: func() { o.Observer.evicted(o.Source, wrongCache) },
		})
	}
	if o.Admissions == nil {
		o.Admissions, errAdmissions = guard.NewAdmissions(guard.AdmissionsOptions{
			Now: o.Now, Evicted: func() { o.Observer.evicted(o.Source, admissionCache) },
		})
	}
	if o.Budget == nil {
		o.Budget, errBudget = guard.NewBudget(guard.BudgetOptions{})
	}
	if err := errors.Join(errFlight, errWrong, errAdmissions, errBudget); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidOptions, err)
	}
	return &Authenticator{
		source: o.Source, backend: o.Backend, wrong: o.WrongPasswords, admissions: o.Admissions, budget: o.Budget,
		strangers: o.Strangers, addresses: o.Addresses, unproven: o.Unproven,
		binds: binds, observer: o.Observer, now: o.Now,
	}, nil
}

// Authenticate returns the principal that a login name and a password prove.
func (a *Authenticator) Authenticate(ctx context.Context, c identity.Credentials) (identity.Principal, error) {
	start := a.now()
	p, err := a.login(ctx, c, start)
	a.observer.login(a.source, reason(err), a.now().Sub(start))
	return p, err
}

// IDPrefix begins what [Authenticator.Resolve] takes for the directory's own id of an entry. No login name begins
// with it.
const IDPrefix = "id:"

// Resolve returns the principal of a login name, or of an id in the form "id:" and [identity.Principal.ID], as the
// directory has it now. It proves nothing. A source that is not this directory is an unknown account.
func (a *Authenticator) Resolve(ctx context.Context, source, idOrLogin string) (identity.Principal, error) {
	if source != "" && source != a.source {
		return identity.Principal{}, &identity.AccountError{
			Reason: identity.ReasonNotFound, Source: source, Detail: "unknown directory",
		}
	}
	if err := admitName(idOrLogin); err != nil {
		return identity.Principal{}, complete(err, a.source, Entry{})
	}
	e, err := a.lookUp(ctx, idOrLogin, AnyAge)
	if err != nil {
		return identity.Principal{}, complete(err, a.source, Entry{})
	}
	p, err := a.principal(ctx, proven{entry: e})
	if refused(err, identity.ReasonNotFound) && a.age(e) > settledAge { // renamed or gone since it was read
		if e, err = a.lookUp(ctx, idOrLogin, 0); err != nil {
			return identity.Principal{}, complete(err, a.source, Entry{})
		}
		return a.principal(ctx, proven{entry: e})
	}
	return p, err
}

// lookUp finds an entry by its id or by its login name.
func (a *Authenticator) lookUp(ctx context.Context, idOrLogin string, maxAge time.Duration) (Entry, error) {
	if id, ok := strings.CutPrefix(idOrLogin, IDPrefix); ok {
		return findID(ctx, a.backend, id, maxAge)
	}
	return find(ctx, a.backend, idOrLogin, maxAge)
}

// Wait returns when no bind is in flight any more. It is for the end, when nobody logs in any longer.
func (a *Authenticator) Wait() { a.binds.Wait() }

// RefusalTime is how long it takes to refuse a wrong password by a bind, as a rule; zero before the first one. A
// refusal that needs no bind tells nothing about a name if its answer takes as long.
func (a *Authenticator) RefusalTime() time.Duration { return a.pace.usual() }

// login is the flow: find, wrong-password memory, admission memory, limits and bind, account.
func (a *Authenticator) login(ctx context.Context, c identity.Credentials, start time.Time) (identity.Principal, error) {
	if err := admit(c.Username, c.Password); err != nil {
		return identity.Principal{}, complete(err, a.source, Entry{})
	}
	e, err := find(ctx, a.backend, c.Username, AnyAge)
	if err != nil {
		return identity.Principal{}, complete(a.notFound(ctx, c, err), a.source, Entry{})
	}
	q := question{
		start: start, login: c.Username, secret: c.Password, client: c.Client, entry: e, print: a.fingerprint(e, c.Password),
	}
	if err := a.recall(ctx, &q); err != nil {
		return identity.Principal{}, complete(err, a.source, q.entry)
	}
	if err := a.recognize(&q); err != nil {
		return identity.Principal{}, complete(err, a.source, q.entry)
	}
	p, err := a.prove(ctx, q)
	if err != nil {
		return identity.Principal{}, complete(err, a.source, q.entry)
	}
	return a.principal(ctx, p)
}

// recall refuses a password that is known to be wrong. Where the memory relies on when the password changed,
// an old entry is read again first: the password may have become the right one.
func (a *Authenticator) recall(ctx context.Context, q *question) error {
	known := a.wrong.Known(q.print)
	if known && !q.entry.PasswordChanged.IsZero() && a.age(q.entry) > datedAge {
		e, err := find(ctx, a.backend, q.login, datedAge)
		if err != nil {
			return err
		}
		q.entry, q.print = e, a.fingerprint(e, q.secret)
		known = a.wrong.Known(q.print)
	}
	if !known {
		a.observer.cache(a.source, wrongCache, missResult)
		return nil
	}
	a.observer.cache(a.source, wrongCache, hitResult)
	return &identity.AccountError{Reason: identity.ReasonKnownWrongPassword}
}

// principal reads the account of an entry and makes it a principal.
func (a *Authenticator) principal(ctx context.Context, p proven) (identity.Principal, error) {
	account, err := a.backend.Account(ctx, p.entry, p.proof, AnyAge)
	if err != nil {
		return identity.Principal{}, complete(err, a.source, p.entry)
	}
	changed := account.PasswordChanged
	if changed.IsZero() {
		changed = p.entry.PasswordChanged
	}
	return identity.Principal{
		Kind: identity.Person, Source: a.source, ID: p.entry.ID, Name: p.entry.Name,
		Groups: account.Groups, PasswordChanged: changed, Stale: account.Stale,
	}, nil
}

// fingerprint gives what stands for a password of an entry.
func (a *Authenticator) fingerprint(e Entry, s identity.Secret) guard.Fingerprint {
	return a.wrong.Fingerprint(a.source, e.ID, s, e.PasswordChanged)
}

// age is how long ago an entry was read.
func (a *Authenticator) age(e Entry) time.Duration { return a.now().Sub(e.ReadAt) }
