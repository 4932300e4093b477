package ldap

import (
	"context"
	"time"
	"unique"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

var _ directory.LockoutReader = (*Backend)(nil)

const (
	// ruleLife is how long a lockout rule is taken as it was read, and ruleExtra how long after that it is good
	// enough while it is read again.
	ruleLife  = 10 * time.Minute
	ruleExtra = 24 * time.Hour
	// ruleRetry is how long a rule that could not be read is not asked for again.
	ruleRetry = 30 * time.Second
	// maxRules bounds how many rules are remembered, and how many one search may give.
	maxRules = 256
)

// lockouts remembers the rules of a directory. Rules are known by their DN, and the one of accounts without one of their
// own by the empty text.
type lockouts struct {
	rules  *cache.Cache[string, rule]
	flight *cache.Flight[string, rule]
}

// rule is what a directory says of the passwords of some accounts: when wrong ones lock, and how long a right one lasts.
type rule struct {
	guard.Lockout

	aging aging
}

// newLockouts makes an empty memory.
func newLockouts(o *Options) (*lockouts, error) {
	rules, err := cache.New[string, rule](cache.Options{
		Size: maxRules, TTL: ruleLife, Extra: ruleExtra, Now: o.Now, Rand: o.Rand,
	})
	if err != nil {
		return nil, err
	}
	flight, err := cache.NewFlight[string, rule](cache.FlightOptions{Timeout: o.Timeouts.Stage})
	return &lockouts{rules: rules, flight: flight}, err
}

// Lockout tells the lockout rule of an entry: that of the domain or a fine-grained one on Active Directory, that of
// the password policy elsewhere. The directory is asked once in a while.
func (b *Backend) Lockout(ctx context.Context, e directory.Entry) guard.Lockout {
	dialect := b.options.Users.State.lockout()
	if dialect.read == nil {
		return guard.Lockout{Origin: "this kind of directory does not tell when it locks accounts"}
	}
	return b.rule(ctx, dialect, e.Lockout.Rule).Lockout
}

// rule tells a rule by its name, which is empty for accounts that name none. Within ten minutes that costs nothing.
func (b *Backend) rule(ctx context.Context, dialect lockoutDialect, name string) rule {
	held := b.lockouts.rules.Get(name)
	switch held.State {
	case cache.Fresh:
		return held.Value
	case cache.Stale:
		b.lockouts.rules.AddFor(name, held.Value, ruleRetry) // which is enough for one to ask
		b.tasks.start(ctx, b.options.Timeouts.Stage, func(ctx context.Context) { _, _ = b.askRule(ctx, dialect, name) })
		return held.Value
	case cache.Miss:
	}
	answer, err := b.lockouts.flight.Do(ctx, name, func(ctx context.Context) (rule, error) {
		return b.askRule(ctx, dialect, name)
	})
	if err != nil {
		return rule{Lockout: guard.Lockout{Threshold: dialect.fears(name), Origin: "could not be read"}}
	}
	return answer.Value
}

// askRule reads a rule and remembers it.
func (b *Backend) askRule(ctx context.Context, dialect lockoutDialect, name string) (rule, error) {
	r, f := dialect.read(ctx, b, name)
	away := f != nil && f.class != classAnswer
	if away {
		r = rule{Lockout: guard.Lockout{Origin: "could not be read: " + f.Error()}}
	}
	if !r.Known {
		r.Threshold = dialect.fears(name)
	}
	if away {
		if b.lockouts.rules.Get(name).State == cache.Miss { // else the one before goes on
			b.lockouts.rules.AddFor(name, r, ruleRetry)
		}
		return r, nil
	}
	b.lockouts.rules.Add(name, r)
	return r, nil
}

// lockoutDialect is how a kind of directory tells about wrong passwords. The zero dialect tells nothing.
type lockoutDialect struct {
	// attributes are those of an account, and rule the one with the DN of its rule.
	attributes []string
	rule       string
	// seen reads what the directory counts for an account.
	seen func(e *goldap.Entry, now time.Time) guard.Seen
	// read reads a rule. A fault that is an answer of the server comes with what is to be believed instead.
	read func(ctx context.Context, b *Backend, name string) (rule, *serverError)
	// further reads the rules that accounts may name; nil where they cannot be listed.
	further func(ctx context.Context, b *Backend) []guard.Lockout
	// usual and named are the thresholds to fear where the usual rule, or one that an account names, cannot be read:
	// what the server has by itself. Zero leaves it to the budget for rules that are not known.
	usual, named int
}

// fears gives the threshold to fear where a rule cannot be read.
func (d lockoutDialect) fears(rule string) int {
	if rule == "" {
		return d.usual
	}
	return d.named
}

// lockout gives how accounts with a State tell about wrong passwords.
func (s State) lockout() lockoutDialect {
	switch s {
	case ActiveDirectoryState:
		return windowsLockout()
	case PasswordPolicyState:
		return passwordPolicyLockout()
	case NsAccountLockState:
		return netscapeLockout()
	case FreeIPAState:
		return kerberosLockout()
	default:
		return lockoutDialect{}
	}
}

// lockoutAttributes are the attributes of an account that tell about wrong passwords.
func (s State) lockoutAttributes() []string {
	d := s.lockout()
	if d.read == nil {
		return nil
	}
	return append(d.attributes, d.rule)
}

// entryLockout reads what an account itself tells about wrong passwords. Many accounts share the name of one rule.
func (s State) entryLockout(e *goldap.Entry, now time.Time) directory.EntryLockout {
	d := s.lockout()
	if d.read == nil {
		return directory.EntryLockout{}
	}
	return directory.EntryLockout{Rule: unique.Make(first(e, d.rule)).Value(), Seen: d.seen(e, now)}
}

// readRule reads the attributes of one entry.
func (b *Backend) readRule(ctx context.Context, dn string, attributes []string) (*goldap.Entry, *serverError) {
	r := rootDSE(b.timeLimit(), attributes...)
	r.BaseDN = dn
	result, f := b.search(ctx, nil, r)
	if f != nil {
		return nil, f
	}
	if len(result.Entries) != 1 {
		return nil, &serverError{class: classAnswer, code: resultNoSuchObject, step: "read " + dn, text: "it may not be read"}
	}
	return result.Entries[0], nil
}

// searchRules reads every rule below a base, up to a bound.
func (b *Backend) searchRules(ctx context.Context, base, class string, attributes []string) ([]*goldap.Entry, *serverError) {
	result, f := b.search(ctx, nil, &goldap.SearchRequest{
		BaseDN: base, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases, SizeLimit: maxRules,
		TimeLimit: b.timeLimit(), Filter: "(objectClass=" + class + ")", Attributes: attributes,
	})
	if f != nil {
		return nil, f
	}
	return result.Entries, nil
}

// unknownRule is the answer where a server gave none.
func unknownRule(where string) rule {
	return rule{Lockout: guard.Lockout{Origin: where + " may not be read"}}
}

// strictest gives the rule that locks soonest, with the longest window of all and the shortest lock: where nobody can
// tell which of them an account is under.
func strictest(rules []rule) guard.Lockout {
	var is guard.Lockout
	for _, r := range rules {
		l := r.Lockout
		switch {
		case !l.Known:
		case !is.Known || is.Threshold == 0 || l.Threshold > 0 && l.Threshold < is.Threshold:
			if is.Known && is.Threshold > 0 {
				l.Window, l.Duration = longer(l.Window, is.Window), shorter(l.Duration, is.Duration)
			}
			is = l
		case l.Threshold > 0:
			is.Window, is.Duration = longer(is.Window, l.Window), shorter(is.Duration, l.Duration)
		}
	}
	return is
}

// longer gives the longer of two times, where zero has no end.
func longer(one, two time.Duration) time.Duration {
	if one == 0 || two == 0 {
		return 0
	}
	return max(one, two)
}

// shorter gives the shorter of two times, where zero has no end.
func shorter(one, two time.Duration) time.Duration {
	if one == 0 || two == 0 {
		return max(one, two)
	}
	return min(one, two)
}

// TellsLockout reports whether the directory is of a kind that can tell when it locks accounts.
func (b *Backend) TellsLockout() bool { return b.options.Users.State.lockout().read != nil }

// FurtherLockouts tells the rules that some accounts are under besides the usual one, as far as they can be read, up
// to a bound. It is for check, and asks the directory each time.
func (b *Backend) FurtherLockouts(ctx context.Context) []guard.Lockout {
	dialect := b.options.Users.State.lockout()
	if dialect.further == nil {
		return nil
	}
	ctx, cancel := b.stage(ctx)
	defer cancel()
	return dialect.further(ctx, b)
}
