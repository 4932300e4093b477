package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ErrInvalidOptions means that a part of this package cannot be made from its options.
var ErrInvalidOptions = errors.New("invalid directory options")

// errIncomplete means that an entry lacks what everything else is keyed by.
var errIncomplete = errors.New("entry without id, DN or name")

// errOtherID means that a Backend gave another entry than the one whose id was asked for.
var errOtherID = errors.New("entry with another id")

// errSilent means that a Watcher ended without a reason.
var errSilent = errors.New("the directory tells no more changes")

// errNoProof means that a Backend said yes and proved nothing.
var errNoProof = errors.New("bind without a proof")

// find asks a Backend for the entry of a login name, and wants one that can be worked with.
func find(ctx context.Context, b Backend, login string, maxAge time.Duration) (Entry, error) {
	e, err := b.Find(ctx, login, maxAge)
	return whole(login, e, err)
}

// findID is find for an id.
func findID(ctx context.Context, b Backend, id string, maxAge time.Duration) (Entry, error) {
	e, err := b.FindID(ctx, id, maxAge)
	if err == nil && e.ID != "" && e.ID != id {
		return Entry{}, fmt.Errorf("find %q: %w: %w", id, identity.ErrUnavailable, errOtherID)
	}
	return whole(id, e, err)
}

// whole lets an entry pass that has everything.
func whole(asked string, e Entry, err error) (Entry, error) {
	if err != nil {
		return Entry{}, inTime(err)
	}
	if e.ID == "" || e.DN == "" || e.Name == "" {
		return Entry{}, fmt.Errorf("find %q: %w: %w", asked, identity.ErrUnavailable, errIncomplete)
	}
	return e, nil
}

// inTime makes a deadline or a cancel what it means to who asked: nobody could be asked.
func inTime(err error) error {
	if outOfTime(err) && !errors.Is(err, identity.ErrUnavailable) {
		return fmt.Errorf("%w: %w", identity.ErrUnavailable, err)
	}
	return err
}

// outOfTime reports whether an error comes from a context that ended.
func outOfTime(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// complete gives an error the form that an [identity.Authenticator] promises, with the entry's names as far as
// they are known. It copies what it changes, as errors are remembered and shared.
func complete(err error, source string, e Entry) error {
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*identity.AccountError](err); ok {
		named := *refusal
		named.Reason = orDefault(named.Reason, identity.ReasonRefused)
		named.Source = orDefault(named.Source, source)
		named.ID, named.Name = orDefault(named.ID, e.ID), orDefault(named.Name, e.Name)
		return &named
	}
	if retry, ok := errors.AsType[*identity.RetryError](err); ok {
		named := *retry
		named.Reason = orDefault(named.Reason, retryReason(named.Err))
		named.Source = orDefault(named.Source, source)
		named.ID, named.Name = orDefault(named.ID, e.ID), orDefault(named.Name, e.Name)
		return &named
	}
	err = inTime(err)
	switch {
	case errors.Is(err, identity.ErrThrottled), errors.Is(err, identity.ErrUnavailable):
		return &identity.RetryError{Err: err, Reason: retryReason(err), Source: source, ID: e.ID, Name: e.Name}
	case errors.Is(err, identity.ErrInvalidCredentials):
		return &identity.AccountError{
			Reason: identity.ReasonRefused, Source: source, ID: e.ID, Name: e.Name, Detail: err.Error(),
		}
	default:
		return fmt.Errorf("ask directory %q: %w", source, err)
	}
}

// retryReason gives the word for an error that says to ask again later.
func retryReason(err error) identity.Reason {
	switch {
	case errors.Is(err, identity.ErrThrottled):
		return identity.ReasonThrottled
	case errors.Is(err, context.Canceled): // deadlines are ours, a cancel is the client's
		return identity.ReasonClientGone
	case outOfTime(err):
		return identity.ReasonTimeout
	default:
		return identity.ReasonUnavailable
	}
}

// reason gives the word for an outcome that observers are told.
func reason(err error) identity.Reason {
	if err == nil {
		return identity.ReasonOK
	}
	if refusal, ok := errors.AsType[*identity.AccountError](err); ok {
		return refusal.Reason
	}
	if retry, ok := errors.AsType[*identity.RetryError](err); ok {
		return retry.Reason
	}
	return identity.ReasonUnavailable
}
