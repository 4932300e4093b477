package server

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
)

// Result is what a token request led to. It is a closed set, used as a metric label.
type Result string

// The results.
const (
	// ResultGranted means that all that was asked was granted; a plain login counts here.
	ResultGranted Result = "granted"
	// ResultPartial means that some of it was.
	ResultPartial Result = "partial"
	// ResultEmpty means that something was asked and none of it was granted.
	ResultEmpty Result = "empty"
	// ResultUnauthenticated means that the credentials prove nothing.
	ResultUnauthenticated Result = "unauthenticated"
	// ResultThrottled means that the attempt was refused so that it does no harm.
	ResultThrottled Result = "throttled"
	// ResultBusy means that too many requests are being worked on.
	ResultBusy Result = "busy"
	// ResultUnavailable means that what had to be asked did not answer, or not in time.
	ResultUnavailable Result = "unavailable"
	// ResultClientGone means that the client hung up before there was an answer.
	ResultClientGone Result = "client_gone"
	// ResultError is anything else: malformed, or a fault of ours.
	ResultError Result = "error"
)

// Results lists every Result.
func Results() []Result {
	return []Result{
		ResultGranted, ResultPartial, ResultEmpty, ResultUnauthenticated, ResultThrottled, ResultBusy,
		ResultUnavailable, ResultClientGone, ResultError,
	}
}

// The handlers, as the Observer names them.
const (
	// HandlerToken is the token endpoint, on each of its paths.
	HandlerToken = "token"
	// HandlerNone is every unknown path.
	HandlerNone = "none"
)

// UnknownService is how the Observer hears of a service that is not configured.
const UnknownService = "unknown"

// Finished describes a request that was answered. Every text in it is of a closed set.
type Finished struct {
	// Handler is [HandlerToken] or [HandlerNone].
	Handler string
	// Method is "GET", "POST" or "other".
	Method string
	// Code is the status.
	Code int
	// Duration is the time from the end of its headers to the end of its answer.
	Duration time.Duration
	// Service is a configured service or [UnknownService].
	Service string
	// Grant is the form in which the client asked, and Result what came of it; both are empty if it was no
	// token request, as a wrong path or method.
	Grant  authority.GrantType
	Result Result
}

// Observer is told what happens, in the manner of net/http/httptrace. Every func may be nil, is called from
// many goroutines at once, and must not block.
type Observer struct {
	// Finished is called at the end of each request.
	Finished func(Finished)
	// InFlight is called with the number of requests being answered whenever it changes.
	InFlight func(n int)
	// Queued is called with the time that a token request waited for its turn, if it had to.
	Queued func(d time.Duration)
	// Certificate is called with the end of the life of the TLS certificate when one was loaded.
	Certificate func(notAfter time.Time)
	// CertificateError is called when a changed certificate could not be loaded, so that the old one stays.
	CertificateError func(err error)
}
