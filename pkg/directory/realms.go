package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Lookup says where a login name without a realm is looked for. The zero Lookup is ByRealm.
type Lookup uint8

// The lookups.
const (
	// ByRealm looks in the default directory alone.
	ByRealm Lookup = iota
	// InOrder looks in every directory, one after the other, until one has the name. A later one is asked only
	// after every earlier one has said that it does not have it.
	InOrder
)

// Form says what of a typed login name a directory is asked for. The zero Form is WithoutRealm.
type Form uint8

// The forms.
const (
	// WithoutRealm asks for the name alone: alice, where alice@partner.example was typed.
	WithoutRealm Form = iota
	// AsTyped asks for the whole text: the directory reads DOMAIN\alice and alice@corp.example itself.
	AsTyped
)

// Realm is one directory of a [Realms].
type Realm struct {
	// Directory is the directory's login flow; it must not be nil.
	Directory *Authenticator
	// Names are its realms: what stands before \ or behind the last @ of the logins that belong to it.
	Names []string
	// Form says what of such a login the directory is asked for.
	Form Form
}

// RealmsOptions says which directories there are.
type RealmsOptions struct {
	// Directories are the directories, in the order in which they are looked through; one at least. No two have
	// the same source or the same realm.
	Directories []Realm
	// Default is the source that a name without a realm belongs to; empty means the first directory.
	Default string
	// Lookup says where a name without a realm is looked for.
	Lookup Lookup
}

// Realms are several directories, of which each login belongs to one. What was typed decides which: its realm, or,
// where it has none, the [Lookup]. No password is ever sent to two of them, and what one directory cannot answer no
// other one is asked. It is immutable and safe for concurrent use. Make one with [NewRealms].
type Realms struct {
	all    []*Realm
	names  map[string]*Realm // by folded realm
	home   *Realm            // of names without a realm
	lookup Lookup
}

var (
	_ identity.Authenticator = (*Realms)(nil)
	_ identity.Resolver      = (*Realms)(nil)
)

// NewRealms makes a Realms.
func NewRealms(o RealmsOptions) (*Realms, error) {
	r := &Realms{names: make(map[string]*Realm), lookup: o.Lookup}
	sources := make(map[string]bool)
	for _, d := range o.Directories {
		if d.Directory == nil || sources[d.Directory.source] {
			return nil, fmt.Errorf("%w: no directory, or two of one source", ErrInvalidOptions)
		}
		sources[d.Directory.source] = true
		realm := &d
		r.all = append(r.all, realm)
		for _, name := range d.Names {
			key := identity.Fold(name)
			if key == "" || r.names[key] != nil {
				return nil, fmt.Errorf("%w: realm %q is empty or belongs to two directories", ErrInvalidOptions, name)
			}
			r.names[key] = realm
		}
		if o.Default == d.Directory.source || o.Default == "" && r.home == nil {
			r.home = realm
		}
	}
	if r.home == nil {
		return nil, fmt.Errorf("%w: no directory %q", ErrInvalidOptions, o.Default)
	}
	return r, nil
}

// Authenticate returns the principal that a login name and a password prove in the directory that the name belongs
// to. A realm that no directory has is answered like a name that the default directory does not know.
func (r *Realms) Authenticate(ctx context.Context, c identity.Credentials) (identity.Principal, error) {
	start, at := r.home.Directory.now(), place{directory: r.home.Directory}
	err := admit(c.Username, c.Password)
	if err == nil {
		at, err = r.locate(ctx, c.Username)
	}
	if err != nil {
		return identity.Principal{}, at.directory.refuse(ctx, c, start, err)
	}
	c.Username = at.login
	return at.directory.Authenticate(ctx, c)
}

// Resolve returns the principal of an account of the source as it is now, without a password. With an empty source
// the name is routed as [Realms.Authenticate] does, and an id is one of the default directory.
func (r *Realms) Resolve(ctx context.Context, source, idOrLogin string) (identity.Principal, error) {
	at, err := r.place(ctx, source, idOrLogin)
	if err != nil {
		return identity.Principal{}, complete(err, at.source(), Entry{})
	}
	return at.directory.Resolve(ctx, at.directory.source, at.login)
}

// Find returns the entry that a login name or an id belongs to, and the source that has it; see [Realms.Resolve].
func (r *Realms) Find(ctx context.Context, source, idOrLogin string) (found string, e Entry, err error) {
	at, err := r.place(ctx, source, idOrLogin)
	if err == nil {
		err = admitName(at.login)
	}
	if err == nil {
		e, err = at.directory.lookUp(ctx, at.login, AnyAge)
	}
	return at.source(), e, complete(err, at.source(), Entry{})
}

// RefusalTime is the longest [Authenticator.RefusalTime] of the directories: answers do not tell which of them a
// name was looked for in.
func (r *Realms) RefusalTime() time.Duration {
	var longest time.Duration
	for _, d := range r.all {
		longest = max(longest, d.Directory.RefusalTime())
	}
	return longest
}

// Wait returns when no bind is in flight any more; see [Authenticator.Wait].
func (r *Realms) Wait() {
	for _, d := range r.all {
		d.Directory.Wait()
	}
}
