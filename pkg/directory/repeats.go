package directory

import (
	"net/netip"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// nagAfter is how many times the same wrong password comes from one address before it is told.
	nagAfter = 3
	// nagEvery is how often it is told at most, for one account and address.
	nagEvery = 30 * time.Minute
	// nagSize is how many accounts and addresses are watched at most; the least recently used go first.
	nagSize = 4096
)

// Repeat is a client that goes on with a password which the directory has refused: as a rule one that was changed.
type Repeat struct {
	// Source, ID and Name are those of the account.
	Source, ID, Name string
	// Client and UserAgent are those of the last login.
	Client    netip.Addr
	UserAgent string
	// Times is how many logins came with such a password since it was told last.
	Times int
}

// repeats counts logins with passwords that are known to be wrong.
type repeats struct {
	mu   sync.Mutex
	seen *cache.Cache[repeatKey, repeated]
}

// repeatKey is an account and where its wrong password comes from.
type repeatKey struct {
	id     string
	client netip.Addr
}

// repeated is how often it came since it was told; told is when that was, zero before.
type repeated struct {
	times int
	told  time.Time
}

// newRepeats makes an empty count.
func newRepeats(now func() time.Time) (*repeats, error) {
	seen, err := cache.New[repeatKey, repeated](cache.Options{Size: nagSize, TTL: nagEvery, Now: now})
	if err != nil {
		return nil, err
	}
	return &repeats{seen: seen}, nil
}

// count takes note of one, and gives how many there were if that is to be told now; else zero.
func (r *repeats) count(id string, client netip.Addr, now time.Time) (tell int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := repeatKey{id: id, client: client}
	is := r.seen.Get(key).Value
	is.times++
	if is.times >= nagAfter && now.Sub(is.told) >= nagEvery {
		tell, is = is.times, repeated{told: now}
	}
	r.seen.Add(key, is)
	return tell
}

// nag tells of a client that goes on with a wrong password.
func (a *Authenticator) nag(c identity.Credentials, e Entry) {
	if a.observer.KeepsSending == nil {
		return
	}
	if n := a.repeats.count(e.ID, c.Client, a.now()); n > 0 {
		a.observer.KeepsSending(Repeat{
			Source: a.source, ID: e.ID, Name: e.Name, Client: c.Client, UserAgent: c.UserAgent, Times: n,
		})
	}
}
