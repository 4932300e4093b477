package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
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
	// ProvenFor is how long a password that a bind proved is believed without another bind; zero is never.
	ProvenFor time.Duration
	// ProvenIfDown is how long such a password is believed while the directory is away; zero is never. Principals
	// are then stale.
	ProvenIfDown time.Duration
	// BindTimeout is how long the proof of one password may take; zero means 4 seconds.
	BindTimeout time.Duration
	// Observer is told what happens.
	Observer Observer
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Authenticator is the login flow of one directory. It is safe for concurrent use. Make one with [New].
type Authenticator struct {
	source       string
	backend      Backend
	lockouts     LockoutReader // nil if the backend is none
	wrong        *guard.WrongPasswords
	admissions   *guard.Admissions
	budget       *guard.Budget
	strangers    *guard.Strangers
	addresses    *guard.Addresses
	unproven     *guard.Share
	provenFor    time.Duration
	provenIfDown time.Duration
	binds        *cache.Flight[guard.Fingerprint, proven]
	latecomers   *latecomers
	repeats      *repeats
	pace         pace
	dated        atomic.Bool  // the directory tells when passwords changed
	rulesSince   atomic.Int64 // since when the rules are what they are, in Unix nanoseconds
	observer     Observer
	now          func() time.Time
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
	repeats, errRepeats := newRepeats(o.Now)
	latecomers, errLatecomers := newLatecomers(o.Now)
	if err := errors.Join(errFlight, errWrong, errAdmissions, errBudget, errRepeats, errLatecomers); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidOptions, err)
	}
	lockouts, _ := o.Backend.(LockoutReader)
	return &Authenticator{
		source: o.Source, backend: o.Backend, lockouts: lockouts, wrong: o.WrongPasswords, admissions: o.Admissions,
		budget: o.Budget, strangers: o.Strangers, addresses: o.Addresses, unproven: o.Unproven,
		provenFor: o.ProvenFor, provenIfDown: o.ProvenIfDown,
		binds: binds, latecomers: latecomers, repeats: repeats, observer: o.Observer, now: o.Now,
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
