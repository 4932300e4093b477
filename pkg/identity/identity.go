package identity

import (
	"context"
	"net/netip"
	"time"
)

// Kind says what a principal is. The zero Kind is Anonymous.
type Kind uint8

// The kinds of principals.
const (
	// Anonymous asked without credentials.
	Anonymous Kind = iota
	// Person is an account of a directory.
	Person
	// Robot is a machine account that no directory knows.
	Robot
)

// String gives the kind in lower case, as logs and the audit record print it.
func (k Kind) String() string {
	switch k {
	case Person:
		return "person"
	case Robot:
		return "robot"
	case Anonymous:
		return "anonymous"
	default:
		return "unknown"
	}
}

// Principal is who asks, in the words of the directory that proved it. The zero Principal is anonymous.
// It is immutable after it was made, its Groups included, and so may be shared between goroutines.
type Principal struct {
	// Kind says whether it is a person, a robot, or nobody known.
	Kind Kind
	// Source is the configured name of the directory.
	Source string
	// ID is the directory's own immutable id of the entry (entryUUID, objectGUID), unique within Source.
	ID string
	// Name is the directory's canonical login name, unique within Source at one time. It becomes the
	// token's subject.
	Name string
	// Groups are all groups that count, nested ones included, in no order.
	Groups []Group
	// PasswordChanged is when the password last changed; zero where the directory cannot tell.
	PasswordChanged time.Time
	// Stale is true when the groups are older than their normal life because the directory is away.
	Stale bool
	// Unjudged is true when the directory says of every account whether it may log in, and that may not be read: then only
	// a bind tells.
	Unjudged bool
}

// Credentials are what a request presented, before anything was proven.
type Credentials struct {
	// Username is the login name as typed, valid UTF-8 without control characters, at most 256 bytes.
	Username string
	// Password is the secret that came with it.
	Password Secret
	// Client is the address of the client, as far as trusted proxies tell it; it may be invalid.
	Client netip.Addr
	// UserAgent is the client's User-Agent header, bounded; for logs only.
	UserAgent string
}

// An Authenticator proves credentials.
type Authenticator interface {
	// Authenticate returns the principal that the credentials prove, with its groups.
	//
	// Errors: [ErrInvalidCredentials] or an [*AccountError] when the answer is no; [ErrThrottled] or
	// [ErrUnavailable] (possibly as a [*RetryError]) when the question could not be asked now.
	// It is safe for concurrent use.
	Authenticate(ctx context.Context, c Credentials) (Principal, error)
}

// A Resolver reads a principal as it is now, without a password. It proves nothing about who asks.
type Resolver interface {
	// Resolve finds an account by its login name or by its id in the named source; an empty source is the
	// default directory. Errors are those of [Authenticator]; an unknown account is [ErrInvalidCredentials].
	Resolve(ctx context.Context, source, idOrLogin string) (Principal, error)
}
