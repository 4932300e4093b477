package guard

import (
	"errors"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// defaultStrangers is how many names, and passwords at them, are held when nothing else is said.
const defaultStrangers = 20_000

// StrangersOptions says how names without an account are counted. The zero value is usable.
type StrangersOptions struct {
	// Limits are those of the [Budget] of accounts.
	Limits Limits
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
// wrong field. It is safe for concurrent use.
type Strangers struct {
	wrong  *WrongPasswords
	budget *Budget
}

// Stranger is one password at one name without an account. It is made by [Strangers.Meet].
type Stranger struct {
	name, password Fingerprint
}

// Fingerprint stands for the password at the name.
func (s Stranger) Fingerprint() Fingerprint { return s.password }

// NewStrangers makes an empty memory.
func NewStrangers(o StrangersOptions) (*Strangers, error) {
	if o.Size == 0 {
		o.Size = defaultStrangers
	}
	names, errNames := NewMemory(MemoryOptions{Size: o.Size, Full: EvictAny, Now: o.Now})
	wrong, errWrong := NewWrongPasswords(WrongPasswordsOptions{Size: o.Size, Key: o.Key, Now: o.Now})
	budget, errBudget := NewBudget(BudgetOptions{Counter: names, Limits: o.Limits})
	if err := errors.Join(errNames, errWrong, errBudget); err != nil {
		return nil, fmt.Errorf("strangers: %w", err)
	}
	return &Strangers{wrong: wrong, budget: budget}, nil
}

// Meet gives what stands for a password at a name without an account in the source.
func (s *Strangers) Meet(source, name string, password identity.Secret) Stranger {
	name = identity.Fold(name)
	return Stranger{
		name:     s.wrong.Fingerprint(source, name, identity.Secret{}, time.Time{}),
		password: s.wrong.Fingerprint(source, name, password, time.Time{}),
	}
}

// Known reports whether the same password was refused at the same name a moment ago.
func (s *Strangers) Known(st Stranger) bool { return s.wrong.Known(st.password) }

// Remember notes that the password was refused at the name, for as long as at an account: for long where the
// directory tells of its accounts when their passwords changed.
func (s *Strangers) Remember(st Stranger, l Lasting) {
	s.wrong.Remember(st.password, l)
}

// Attempts is the budget of the name, under the rule of an account without one of its own.
func (s *Strangers) Attempts(st Stranger, rule Lockout) *AccountAttempts {
	return s.budget.Attempts("", string(st.name.sum[:]), rule, Seen{})
}
