package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// statusClientGone is the status of an answer that nobody waits for any more, as nginx counts it: not a fault of
// the gate or of a directory.
const statusClientGone = 499

// retryAfter is what a client is told to wait where nobody knows better.
const retryAfter = 5 * time.Second

// The words of OAuth for errors (RFC 6749 section 5.2).
const (
	oauthInvalidRequest   = "invalid_request"
	oauthInvalidGrant     = "invalid_grant"
	oauthUnsupportedGrant = "unsupported_grant_type"
	oauthUnavailable      = "temporarily_unavailable"
	oauthServerError      = "server_error"
)

// requestError is a fault in the request itself; its message may be shown to the client.
type requestError struct {
	status               int
	code, oauth, message string
}

// Error gives the message.
func (e *requestError) Error() string { return e.message }

var (
	errNoPath = &requestError{http.StatusNotFound, "UNSUPPORTED", oauthInvalidRequest, "no such path"}
	errNoPost = &requestError{http.StatusNotFound, "UNSUPPORTED", oauthInvalidRequest, "POST is switched off; use GET"}
	errMethod = &requestError{http.StatusMethodNotAllowed, "UNSUPPORTED", oauthInvalidRequest, "method not allowed"}
	errType   = &requestError{
		http.StatusUnsupportedMediaType, "UNSUPPORTED", oauthInvalidRequest,
		"content type must be application/x-www-form-urlencoded",
	}
	errTooLarge = &requestError{http.StatusRequestEntityTooLarge, "UNSUPPORTED", oauthInvalidRequest, "body too large"}
	errSlowBody = &requestError{http.StatusRequestTimeout, "UNSUPPORTED", oauthInvalidRequest, "body did not arrive in time"}
	// errScheme means that the credentials are of a kind that is not read here.
	errScheme = errors.New("authorization scheme is not Basic")
	// errNothingAsked means that there are neither credentials nor a scope.
	errNothingAsked = errors.New("no credentials and no scope")
)

// malformed is a 400 with its message.
func malformed(message string) error {
	return &requestError{http.StatusBadRequest, "UNSUPPORTED", oauthInvalidRequest, message}
}

// problem is what a client is told, and what the log and the metrics call it.
type problem struct {
	status               int
	code, message, oauth string
	retry                time.Duration
	result               Result
	reason               string
}

// problemOf is the one table from errors to answers. What could not be asked comes first: whatever else an
// error holds, that is never a no.
func problemOf(err error, x *exchange) problem {
	var (
		request *requestError
		scope   *registry.ScopeError
	)
	switch {
	case errors.Is(err, identity.ErrUnavailable):
		return unavailable(err, identity.ReasonUnavailable)
	case errors.Is(err, errBusy), errors.Is(err, errTooLong):
		return unavailable(err, identity.ReasonBusy)
	case errors.Is(err, context.Canceled):
		return unavailable(err, identity.ReasonClientGone)
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable(err, identity.ReasonTimeout)
	case errors.Is(err, identity.ErrThrottled):
		p := retryLater(err, identity.ReasonThrottled)
		p.status, p.code, p.message = http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many failed logins, try again later"
		p.oauth, p.result = oauthUnavailable, ResultThrottled
		return p
	case errors.Is(err, identity.ErrInvalidCredentials), errors.Is(err, errScheme), errors.Is(err, errNothingAsked):
		return problem{
			status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: "wrong or missing user name or password",
			oauth: oauthInvalidGrant, result: ResultUnauthenticated, reason: refusal(err),
		}
	case errors.Is(err, authority.ErrUnknownService):
		return badRequest("unknown service "+quoted(x.req.Service), "unknown_service")
	case errors.As(err, &scope):
		return badRequest(scope.Error(), "malformed")
	case errors.As(err, &request):
		return problem{
			status: request.status, code: request.code, message: request.message, oauth: request.oauth,
			result: ResultError, reason: "malformed",
		}
	default:
		return problem{
			status: http.StatusInternalServerError, code: "UNKNOWN", message: "internal error, request id " + x.id,
			oauth: oauthServerError, result: ResultError, reason: "internal",
		}
	}
}

// badRequest is a 400.
func badRequest(message, reason string) problem {
	return problem{
		status: http.StatusBadRequest, code: "UNSUPPORTED", message: message, oauth: oauthInvalidRequest,
		result: ResultError, reason: reason,
	}
}

// unavailable is a 503, or what stands for it where the client has hung up.
func unavailable(err error, reason identity.Reason) problem {
	p := retryLater(err, reason)
	p.status, p.code, p.message = http.StatusServiceUnavailable, "UNAVAILABLE", "the login service is temporarily unavailable, try again"
	p.oauth, p.result = oauthUnavailable, ResultUnavailable
	switch identity.Reason(p.reason) {
	case identity.ReasonBusy:
		p.result = ResultBusy
	case identity.ReasonClientGone:
		p.status, p.result = statusClientGone, ResultClientGone
	default:
	}
	return p
}

// retryLater fills in how long to wait, and why.
func retryLater(err error, reason identity.Reason) problem {
	p := problem{retry: retryAfter, reason: string(reason)}
	if retry, ok := errors.AsType[*identity.RetryError](err); ok {
		if retry.After > 0 {
			p.retry = retry.After
		}
		if retry.Reason != "" {
			p.reason = string(retry.Reason)
		}
	}
	return p
}

// refusal names why credentials were refused.
func refusal(err error) string {
	if account, ok := errors.AsType[*identity.AccountError](err); ok {
		return string(account.Reason)
	}
	switch {
	case errors.Is(err, errScheme):
		return "scheme"
	case errors.Is(err, errNothingAsked):
		return "no_credentials"
	default:
		return "invalid_credentials"
	}
}

// quoted shows a text of the client's in an answer: bounded, and in ASCII without control characters.
func quoted(s string) string { return strconv.QuoteToASCII(bounded(s, 100)) }
