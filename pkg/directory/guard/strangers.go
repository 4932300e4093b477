package guard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// defaultStrangers is how many names, and passwords at them, are held when nothing else is said.
const defaultStrangers = 20_000

// StrangersOptions says how names without an account are counted. The zero value is usable.
type StrangersOptions struct {
	// Limit and Window are those of the [Budget] of accounts; zero means its defaults.
	Limit  int
	Window time.Duration
	// Size is how many names, and how many passwords, are held at most; zero means 20,000. When it is full, some
	// are forgotten: nothing can be harmed at a name without an account.
	Size int
	// Key is the key of the hashes, at least 32 bytes; empty means a random one of this process.
	Key identity.Secret
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Strangers treats names without an account as a [Budget] and [WrongPasswords] treat accounts, so that answers do
// not tell which names have one. What was typed is not held, only its keyed hash: it may be a password in the
// wrong field. A nil Strangers counts nothing. It is safe for concurrent use.
type Strangers struct {
	limit  int
	window time.Duration
	wrong  *WrongPasswords
	names  *Memory

	mu sync.Mutex // makes what is asked and what is noted one step
}

// Stranger is one password at one name without an account. It is made by [Strangers.Meet].
type Stranger struct {
	name, password Fingerprint
}

// NewStrangers makes an empty memory.
func NewStrangers(o StrangersOptions) (*Strangers, error) {
	if o.Limit < 0 || o.Window < 0 {
		return nil, fmt.Errorf("%w: %d failed binds in %v", ErrInvalidOptions, o.Limit, o.Window)
	}
	s := &Strangers{limit: o.Limit, window: o.Window}
	if s.limit == 0 {
		s.limit = defaultLimit
	}
	if s.window == 0 {
		s.window = defaultWindow
	}
	if o.Size == 0 {
		o.Size = defaultStrangers
	}
	var err error
	if s.wrong, err = NewWrongPasswords(WrongPasswordsOptions{Size: o.Size, Key: o.Key, Now: o.Now}); err != nil {
		return nil, err
	}
	if s.names, err = NewMemory(MemoryOptions{Size: o.Size, Full: EvictAny, Now: o.Now}); err != nil {
		return nil, err
	}
	return s, nil
}

// Meet gives what stands for a password at a name without an account in the source.
func (s *Strangers) Meet(source, name string, password identity.Secret) Stranger {
	if s == nil {
		return Stranger{}
	}
	name = identity.Fold(name)
	return Stranger{
		name:     s.wrong.Fingerprint(source, name, identity.Secret{}, time.Time{}),
		password: s.wrong.Fingerprint(source, name, password, time.Time{}),
	}
}

// Known reports whether the same password was refused at the same name a moment ago: it counts once.
func (s *Strangers) Known(st Stranger) bool { return s == nil || s.wrong.Known(st.password) }

// Count notes a failure at a name, and pays for it; pay is [Addresses.Take] of the client. Nil means that the
// password is to be refused as a wrong one is; an error is what an account would be answered with.
func (s *Strangers) Count(ctx context.Context, st Stranger, pay func() (settle func(Outcome), err error)) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrong.Known(st.password) {
		return nil
	}
	paid, err := pay()
	if err != nil {
		return err
	}
	slot, err := s.names.Reserve(ctx, string(st.name.sum[:]), s.limit, s.window)
	if err != nil {
		paid(NotSent)
		return fmt.Errorf("reserve a bind: %w", err)
	}
	paid(Wrong)
	s.wrong.Remember(st.password)
	return s.names.Settle(ctx, slot, Wrong)
}
