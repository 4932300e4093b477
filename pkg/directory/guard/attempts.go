package guard

import "context"

// Outcome is what became of one bind that was about to be sent.
type Outcome uint8

// The outcomes. The zero Outcome is Unknown, which keeps the slot.
const (
	// Unknown means that bytes may have left and no answer came: the slot is kept.
	Unknown Outcome = iota
	// OK means that the password was right.
	OK
	// Wrong means that the directory said no to the password.
	Wrong
	// Refused means that the directory refused the account, whatever the password.
	Refused
	// NotSent means that not a byte left: the slot is given back.
	NotSent
)

// String gives the outcome as logs and metrics print it.
func (o Outcome) String() string {
	switch o {
	case OK:
		return "ok"
	case Wrong:
		return "wrong"
	case Refused:
		return "refused"
	case NotSent:
		return "not_sent"
	case Unknown:
		return "unknown"
	default:
		return "unknown"
	}
}

// Attempts is told by a directory backend before each bind is written to the wire.
type Attempts interface {
	// Reserve takes one slot before the bytes of a bind leave. An error means that the bind must not be
	// sent; it matches identity.ErrThrottled or identity.ErrUnavailable. The returned settle is called
	// exactly once with the outcome, and does not block.
	Reserve(ctx context.Context) (settle func(Outcome), err error)
}
