package ldap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
	"unicode"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// class says what a fault means for what comes next.
type class uint8

const (
	// classNetwork: no answer, or not one that can be read; the connection is gone.
	classNetwork class = iota
	// classTimeout: no answer in time; the connection is gone.
	classTimeout
	// classAway: the server answered that it is busy or unavailable (51, 52).
	classAway
	// classFull: every connection is in use and the queue is full, or the wait was too long.
	classFull
	// classAnswer: the server answered with another result code.
	classAnswer
	// classConfig: what is configured cannot work, such as a refused service account.
	classConfig
	// classCaller: the caller went away.
	classCaller
)

// serverError is why an operation at one server did not succeed. It never leaves the package.
type serverError struct {
	class   class
	code    uint16 // result code of classAnswer and classAway
	step    string // what was tried
	text    string // for operators: no user text, no secret
	refused bool   // nobody listens there
	brief   bool   // of classTimeout: the caller left too little time to blame the server
	entries int    // of a search that was answered with an error: how many entries came before it

	reason identity.Reason // what it is to who asked; empty for what its class says
	after  time.Duration   // when asking again makes sense; zero for what its class says
	err    error
}

// Error gives step and text.
func (f *serverError) Error() string {
	if f.text == "" && f.err != nil {
		return f.step + ": " + f.err.Error()
	}
	return f.step + ": " + f.text
}

// Unwrap returns the cause.
func (f *serverError) Unwrap() error { return f.err }

// fairTime is the least time that a server must have had before a time-out is its own fault.
const fairTime = 500 * time.Millisecond

// lost reports whether the server could not be reached or did not answer.
func (f *serverError) lost() bool { return f.class == classNetwork || f.class == classTimeout }

// answered reports whether the server answered, whatever it said; no fault is an answer too.
func (f *serverError) answered() bool {
	return f == nil || f.class == classAnswer || f.class == classAway
}

// result gives the word of Observer.Operation.
func (f *serverError) result() string {
	switch {
	case f == nil:
		return "ok"
	case f.class == classAnswer && f.code == goldap.LDAPResultInvalidCredentials:
		return "invalid_credentials"
	case f.class == classAnswer:
		return "refused"
	case f.class == classAway:
		return "unavailable"
	case f.class == classTimeout:
		return "timeout"
	default:
		return "error"
	}
}

// answerFault makes a fault of what go-ldap returned for an operation that could take until limit.
func answerFault(step string, err error, took, limit time.Duration) *serverError {
	if answer, ok := errors.AsType[*goldap.Error](err); ok && answer.ResultCode < goldap.ErrorNetwork {
		f := &serverError{class: classAnswer, code: answer.ResultCode, step: step, text: diagnostic(answer), err: err}
		if f.code == goldap.LDAPResultBusy || f.code == goldap.LDAPResultUnavailable {
			f.class = classAway
		}
		return f
	}
	if timedOut(err) || took >= limit {
		return &serverError{class: classTimeout, step: step, text: "no answer within " + limit.String(), err: err, brief: limit < fairTime}
	}
	return &serverError{class: classNetwork, step: step, err: err}
}

// diagnostic gives a result code with the server's text, bounded and printable.
func diagnostic(e *goldap.Error) string {
	const most = 200
	text := ""
	if e.Err != nil {
		text = strings.TrimSpace(e.Err.Error())
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	name := fmt.Sprintf("result %d (%s)", e.ResultCode, strings.ToLower(goldap.LDAPResultCodeMap[e.ResultCode]))
	if text == "" {
		return name
	}
	return name + ": " + text
}

// timedOut reports whether an error says that a deadline passed.
func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// dialFault explains why a connection could not be opened.
func dialFault(ctx context.Context, err error) *serverError {
	f := &serverError{class: classNetwork, step: "connect", err: err}
	if strings.HasPrefix(err.Error(), "starttls") {
		f.step = "starttls"
	}
	if timedOut(err) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.class, f.text = classTimeout, "no answer within the dial time-out"
		return f
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		f.class = classCaller
		return f
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		f.refused, f.text = true, "connection refused: nothing listens on this address and port"
		return f
	}
	if answer, ok := errors.AsType[*goldap.Error](err); ok && answer.ResultCode < goldap.ErrorNetwork {
		f.text = "the server refuses StartTLS: " + diagnostic(answer)
		return f
	}
	if text := certificateText(err); text != "" {
		f.step, f.text = "tls", text+presented(err)
	}
	return f
}

// unavailable makes the error that leaves the package when nobody could be asked.
func (b *Backend) unavailable(f *serverError) error { return b.unavailableFor(f, directory.Entry{}) }

// unavailableFor is unavailable for an account whose entry was found.
func (b *Backend) unavailableFor(f *serverError, e directory.Entry) error {
	const soon, later = time.Second, 5 * time.Second
	reason, after := identity.ReasonUnavailable, later
	switch f.class {
	case classTimeout:
		reason = identity.ReasonTimeout
	case classFull, classAway:
		reason, after = identity.ReasonBusy, soon
	case classAnswer:
		if f.code == resultSizeLimitExceeded || f.code == resultAdminLimitExceeded {
			reason = identity.ReasonLimit
		}
	default:
	}
	reason, after = orElse(f.reason, reason), orElse(f.after, after)
	return &identity.RetryError{
		Err: fmt.Errorf("%w: %w", identity.ErrUnavailable, f), Reason: reason, After: after,
		ID: e.ID, Name: e.Name, Source: b.options.Source,
	}
}
