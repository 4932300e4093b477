package directory

import (
	"context"
	"math"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// A Backend is what one LDAP or Active Directory directory can do. Implementations pass the conformance
// suite in directorytest and are safe for concurrent use.
//
// maxAge says how old an answer may be: zero asks the directory itself. A Backend without a memory ignores
// it.
type Backend interface {
	// Find returns the one entry that a login name belongs to. No entry, more than one entry, or a name
	// that cannot be one, is an [*identity.AccountError] with the reason not_found, ambiguous or bad_name;
	// a directory that cannot be asked is [identity.ErrUnavailable].
	Find(ctx context.Context, login string, maxAge time.Duration) (Entry, error)

	// FindID returns the entry with the directory's own id, as [Entry.ID] gives it. An id that no account has
	// is an [*identity.AccountError] with the reason not_found, and one that cannot be an id bad_name.
	FindID(ctx context.Context, id string, maxAge time.Duration) (Entry, error)

	// Prove sends at most one bind as the entry with the password, and tells attempts before its bytes
	// leave. A wrong password or a refused account is an [*identity.AccountError]; a bind whose outcome is
	// unknown is [identity.ErrUnavailable]. An empty secret is refused without asking.
	Prove(ctx context.Context, e Entry, s identity.Secret, attempts guard.Attempts) (Proof, error)

	// Account reads the state and the transitive groups of the entry, from the server that made the proof
	// where there is one. A zero Proof reads as the service account. An account that may not log in is an
	// [*identity.AccountError]; groups that could not be read completely are [identity.ErrUnavailable].
	Account(ctx context.Context, e Entry, p Proof, maxAge time.Duration) (Account, error)
}

// AnyAge as a maxAge leaves it to the memory how old an answer may be.
const AnyAge = time.Duration(math.MaxInt64)

// Entry is one account's entry as the directory holds it. It is immutable.
type Entry struct {
	// ID is the directory's own immutable id in its text form.
	ID string
	// DN is the distinguished name, as the directory wrote it.
	DN string
	// Name is the canonical login name.
	Name string
	// PasswordChanged is when the password last changed; zero where the directory cannot tell.
	PasswordChanged time.Time
	// Lockout is what the directory tells about wrong passwords of this entry; its zero value is nothing.
	Lockout EntryLockout
	// Attributes holds what the Backend itself needs again in Account, such as gidNumber. Callers do not
	// read it.
	Attributes map[string][]string
	// ReadAt is when the directory was asked.
	ReadAt time.Time
}

// EntryLockout is what an entry itself tells about wrong passwords.
type EntryLockout struct {
	// Rule names the lockout rule of the entry for its Backend; empty is the rule of accounts without one of their own.
	Rule string
	// Seen is what the directory counts.
	Seen guard.Seen
}

// A LockoutReader tells how a directory locks accounts.
type LockoutReader interface {
	// Lockout tells the rule that an entry is under; the zero Entry stands for an account without a rule of its own.
	// What the directory does not tell is not known, and the answer says why. It is remembered and quick, as a rule.
	Lockout(ctx context.Context, e Entry) guard.Lockout
}

// Proof says that a bind proved the password of an entry. The zero Proof proves nothing.
type Proof struct {
	// Server names the server that took the bind.
	Server string
	// At is when it answered.
	At time.Time
	// ByID means that the bind named the entry by its id, so that it proved that account and no other.
	ByID bool
}

// IsZero reports whether nothing was proven.
func (p Proof) IsZero() bool { return p.At.IsZero() }

// Account is what groups and state an entry has. It is immutable; Groups is shared and must not be changed.
type Account struct {
	// Groups are the transitive groups, complete.
	Groups []identity.Group
	// PasswordChanged is when the password last changed; zero where the directory cannot tell.
	PasswordChanged time.Time
	// ReadAt is when the directory was asked.
	ReadAt time.Time
	// Stale is true when the answer is older than its normal life because the directory is away.
	Stale bool
	// Unjudged is true when the directory says of every account whether it may log in, and that may not be read.
	Unjudged bool
}

// A GroupFinder answers questions about groups by name: for check and for the policy's named groups.
type GroupFinder interface {
	// FindGroup returns the groups that a short name (inside the groups base DN) or a DN or an id names.
	// None is an empty slice and no error; more than one means that the name is ambiguous.
	FindGroup(ctx context.Context, nameOrDN string) ([]identity.Group, error)
}

// A Prober looks whether the directory's servers answer, without any user's credentials.
type Prober interface {
	// Probe asks every server once and reports each in the configured order.
	Probe(ctx context.Context) []ServerStatus
}

// ServerStatus is what a Prober found at one server.
type ServerStatus struct {
	// Server is the server's URL without credentials.
	Server string
	// Err is nil when the service account could bind and read.
	Err error
	// Answered reports whether the server answered. With an Err, what it answered is that what is configured does not
	// fit: a service account that it refuses, a base DN that it does not have.
	Answered bool
	// Latency is how long the answer took.
	Latency time.Duration
	// CertificateNotAfter is when the server's certificate ends; zero without TLS.
	CertificateNotAfter time.Time
	// Vendor is what the rootDSE says the server is, for people; Kind is that as a word of the configuration. Both
	// may be empty.
	Vendor, Kind string
	// Facts are things that were looked at and are well, each a phrase.
	Facts []string
	// Warnings are things that work today and deserve a look, each a sentence with its remedy.
	Warnings []string
	// Faults are further faults, beside Err or without one: things that do not work, or will not in some days, each with
	// its remedy.
	Faults []string
}
