package directory

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// What an [Observer] calls the memories and the questions.
const (
	entryCache     = "entry"
	accountCache   = "account"
	unknownCache   = "unknown_name"
	wrongCache     = "wrong_password"
	admissionCache = "admission"

	hitResult   = "hit"
	missResult  = "miss"
	staleResult = "stale"

	findKind    = "find"
	bindKind    = "bind"
	accountKind = "account"
)

// Observer is told what happens, in the manner of net/http/httptrace. Every func may be nil, is called from
// many goroutines at once, and must not block.
type Observer struct {
	// Login is called once a login that reached the flow, with its outcome and duration.
	Login func(source string, reason identity.Reason, d time.Duration)
	// Cache is called once a question to a memory. Cache is "entry", "account", "wrong_password" or "admission";
	// result is "hit", "miss" or "stale".
	Cache func(source, cache, result string)
	// Evicted is called when a memory dropped something to make room. Cache may here also be "unknown_name",
	// the memory of names without an entry, whose questions count as those of "entry".
	Evicted func(source, cache string)
	// Coalesced is called when a caller shared the answer of another one's question. Kind is "find", "bind"
	// or "account".
	Coalesced func(source, kind string)
	// BudgetRefused is called when a password was not sent because too many binds of the account have failed; a
	// name without an account counts too.
	BudgetRefused func(source string)
	// Believed is called when a password was believed without a bind. Why is [BelievedRecent] or [BelievedOutage].
	Believed func(source, why string)
	// KeepsSending is called when a client goes on with a password that the directory has refused; at most once in 30
	// minutes for one account and client.
	KeepsSending func(Repeat)
	// Watching is called with nil when the directory begins to tell of its changes, and with the reason each time that
	// it does not or no longer, which at the end is that of the context; see [Cached.Follow].
	Watching func(source string, err error)
	// Changed is called once a change that the directory tells. Kind is [ChangedAccount] or [ChangedGroups].
	Changed func(source, kind string)
}

// login reports one login.
func (o Observer) login(source string, reason identity.Reason, d time.Duration) {
	if o.Login != nil {
		o.Login(source, reason, d)
	}
}

// cache reports one question to a memory.
func (o Observer) cache(source, cache, result string) {
	if o.Cache != nil {
		o.Cache(source, cache, result)
	}
}

// evicted reports that a memory was full.
func (o Observer) evicted(source, cache string) {
	if o.Evicted != nil {
		o.Evicted(source, cache)
	}
}

// coalesced reports a shared answer.
func (o Observer) coalesced(source, kind string) {
	if o.Coalesced != nil {
		o.Coalesced(source, kind)
	}
}

// budgetRefused reports a password that was not risked.
func (o Observer) budgetRefused(source string) {
	if o.BudgetRefused != nil {
		o.BudgetRefused(source)
	}
}

// believed reports a password without a bind.
func (o Observer) believed(source, why string) {
	if o.Believed != nil {
		o.Believed(source, why)
	}
}

// watching reports that changes are told from now on, or why they are not.
func (o Observer) watching(source string, err error) {
	if o.Watching != nil {
		o.Watching(source, err)
	}
}

// changed reports a change.
func (o Observer) changed(source, kind string) {
	if o.Changed != nil {
		o.Changed(source, kind)
	}
}
