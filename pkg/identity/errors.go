package identity

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrInvalidCredentials means that the answer is no: unknown account, wrong password, or an account
	// that may not log in. Clients always see one fixed text for it.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrThrottled means that this attempt was refused so that it does no harm; it says nothing about the
	// password.
	ErrThrottled = errors.New("too many attempts")
	// ErrUnavailable means that nobody could be asked. It is never a no.
	ErrUnavailable = errors.New("directory unavailable")
)

// Reason says, for operators only, why an account was refused or could not be asked. It is a closed set,
// used as a metric label and in the log.
type Reason string

// The reasons, in the words of the metric wharfgate_logins_total.
const (
	ReasonOK                 Reason = "ok"
	ReasonWrongPassword      Reason = "wrong_password"
	ReasonKnownWrongPassword Reason = "known_wrong_password"
	ReasonPasswordExpired    Reason = "expired"
	ReasonAccountExpired     Reason = "account_expired"
	ReasonDisabled           Reason = "disabled"
	ReasonLocked             Reason = "locked"
	ReasonMustChange         Reason = "must_change"
	ReasonHours              Reason = "hours"
	ReasonWorkstation        Reason = "workstation"
	ReasonRestricted         Reason = "restricted"
	ReasonTooManyGroups      Reason = "too_many_groups"
	ReasonNotFound           Reason = "not_found"
	ReasonAmbiguous          Reason = "ambiguous"
	ReasonBadName            Reason = "bad_name"
	ReasonRefused            Reason = "refused"
	ReasonThrottled          Reason = "throttled"
	ReasonUnavailable        Reason = "unavailable"
	ReasonTimeout            Reason = "timeout"
	ReasonBusy               Reason = "busy"
	// ReasonBanned: the directory refuses everything from the gate's address.
	ReasonBanned Reason = "banned"
	// ReasonLimit: a limit or quota of the directory kept it from a whole answer.
	ReasonLimit Reason = "limit"
	// ReasonClientGone: whoever asked hung up before there was an answer.
	ReasonClientGone Reason = "client_gone"
)

// Reasons lists every Reason, so that counters can be made before the first event.
func Reasons() []Reason {
	return []Reason{
		ReasonOK, ReasonWrongPassword, ReasonKnownWrongPassword, ReasonPasswordExpired, ReasonAccountExpired,
		ReasonDisabled, ReasonLocked, ReasonMustChange, ReasonHours, ReasonWorkstation, ReasonRestricted,
		ReasonTooManyGroups, ReasonNotFound, ReasonAmbiguous, ReasonBadName, ReasonRefused, ReasonThrottled,
		ReasonUnavailable, ReasonTimeout, ReasonBusy, ReasonBanned, ReasonLimit, ReasonClientGone,
	}
}

// AccountError is a refusal with its reason. It unwraps to [ErrInvalidCredentials].
type AccountError struct {
	// Reason says why.
	Reason Reason
	// Source is the directory that refused.
	Source string
	// ID and Name identify the entry; both are empty when none was found.
	ID, Name string
	// Detail is a short text for operators without any secret, such as the directory's diagnostic.
	Detail string
}

// Error gives the reason and, when known, the account's canonical name.
func (e *AccountError) Error() string {
	s := "login refused: " + string(e.Reason)
	if e.Name != "" {
		s += fmt.Sprintf(" (%s@%s)", e.Name, e.Source)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns [ErrInvalidCredentials].
func (e *AccountError) Unwrap() error { return ErrInvalidCredentials }

// RetryError wraps [ErrThrottled] or [ErrUnavailable] with the time after which asking again makes sense.
type RetryError struct {
	// Err is the error it wraps; it must match ErrThrottled or ErrUnavailable.
	Err error
	// Reason says why, for operators.
	Reason Reason
	// After is how long the client should wait; zero means that the server's default is used.
	After time.Duration
	// ID and Name identify the entry where it was found before asking failed; both may be empty.
	ID, Name string
	// Source is the directory; it may be empty.
	Source string
}

// Error gives the wrapped error's text and the reason.
func (e *RetryError) Error() string { return fmt.Sprintf("%s: %v", e.Reason, e.Err) }

// Unwrap returns the wrapped error.
func (e *RetryError) Unwrap() error { return e.Err }
