package refresh

import "github.com/wharfgate/wharfgate/pkg/identity"

// What came of a use, besides the reasons of [identity.RefreshReasons].
const (
	// ResultOK: the token stands for its account.
	ResultOK = "ok"
	// ResultAccount: its account may not log in.
	ResultAccount = "account"
	// ResultUnavailable: its account could not be looked up.
	ResultUnavailable = "unavailable"
)

// Results lists what can come of a use.
func Results() []string {
	all := []string{ResultOK, ResultAccount, ResultUnavailable}
	for _, reason := range identity.RefreshReasons() {
		all = append(all, string(reason))
	}
	return all
}

// Observer is told what happens, in the manner of net/http/httptrace. Every func may be nil, is called from many
// goroutines at once, and must not block.
type Observer struct {
	// Issued is called with each token that was made.
	Issued func(service string)
	// Used is called with each use of a token, and what came of it, one of [Results].
	Used func(service, result string)
	// Ended is called when the tokens of an account end because its directory says that it is gone, disabled or
	// expired.
	Ended func(source string, why identity.Reason)
	// Failed is called when a file of the store could not be read or written.
	Failed func(err error)
}

func (o Observer) issued(service string) {
	if o.Issued != nil {
		o.Issued(service)
	}
}

func (o Observer) used(service, result string) {
	if o.Used != nil {
		o.Used(service, result)
	}
}

func (o Observer) ended(source string, why identity.Reason) {
	if o.Ended != nil {
		o.Ended(source, why)
	}
}

func (o Observer) failed(err error) {
	if o.Failed != nil {
		o.Failed(err)
	}
}
