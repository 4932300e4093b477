package directory

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Observer is told what happens, in the manner of net/http/httptrace. Every func may be nil, is called from
// many goroutines at once, and must not block.
type Observer struct {
	// Login is called once a login that reached the flow, with its outcome and duration.
	Login func(source string, reason identity.Reason, d time.Duration)
	// Cache is called once a question to a memory. Cache is "entry", "account" or "wrong_password"; result
	// is "hit", "miss" or "stale".
	Cache func(source, cache, result string)
	// Evicted is called when a memory dropped something to make room.
	Evicted func(source, cache string)
	// Coalesced is called when a caller shared the answer of another one's question. Kind is "find", "bind"
	// or "account".
	Coalesced func(source, kind string)
}
