package guard

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ErrAddress means that so many logins from an address have failed that another password from there is not tried
// now.
var ErrAddress = fmt.Errorf("too many failed logins from the address: %w", identity.ErrThrottled)

const (
	// defaultFailures and defaultFailureWindow are the failures of one address when nothing else is said.
	defaultFailures      = 60
	defaultFailureWindow = 10 * time.Minute
	// defaultAddresses is how many addresses with failures are held when nothing else is said.
	defaultAddresses = 50_000
	// subnetBits is how much of an IPv6 address tells one client from another: who has one address has them all.
	subnetBits = 64
)

// AddressesOptions says how many logins from one address may fail. The zero value is usable.
type AddressesOptions struct {
	// Max is how many may fail at once; zero means 60.
	Max int
	// Window is the time in which as many become free again, one after the other; zero means 10 minutes.
	Window time.Duration
	// Exempt are networks without a limit, such as those of build machines behind one address.
	Exempt []netip.Prefix
	// Size is how many addresses are held at most, the least recently used go first; zero means 50,000.
	Size int
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Addresses limits the failures of each client address: a token bucket for an IPv4 address or the /64 of an IPv6
// address. Clients without an address share one. A nil Addresses has no limit. It is safe for concurrent use.
type Addresses struct {
	exempt   []netip.Prefix
	window   time.Duration
	interval time.Duration // in which one failure is forgotten
	now      func() time.Time

	mu   sync.Mutex
	full *cache.Cache[netip.Prefix, time.Time] // when the bucket of an address is full again
}

// NewAddresses makes a limit.
func NewAddresses(o AddressesOptions) (*Addresses, error) {
	if o.Max < 0 || o.Window < 0 || o.Size < 0 {
		return nil, fmt.Errorf("%w: %d failures in %v, %d addresses", ErrInvalidOptions, o.Max, o.Window, o.Size)
	}
	if o.Max == 0 {
		o.Max = defaultFailures
	}
	if o.Window == 0 {
		o.Window = defaultFailureWindow
	}
	if o.Size == 0 {
		o.Size = defaultAddresses
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	interval := o.Window / time.Duration(o.Max)
	if interval == 0 {
		return nil, fmt.Errorf("%w: %d failures in %v", ErrInvalidOptions, o.Max, o.Window)
	}
	full, err := cache.New[netip.Prefix, time.Time](cache.Options{Size: o.Size, TTL: o.Window, Now: o.Now})
	if err != nil {
		return nil, fmt.Errorf("make memory of addresses: %w", err)
	}
	return &Addresses{
		exempt: o.Exempt, window: interval * time.Duration(o.Max), interval: interval, now: o.Now, full: full,
	}, nil
}

// Allow says whether a client may try a password now. It takes nothing. The error is an [identity.RetryError] that
// wraps [ErrAddress].
func (a *Addresses) Allow(client netip.Addr) error {
	if a == nil || a.isExempt(client) {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.check(a.fullAt(subnet(client)))
}

// Take counts a failure of the client, in advance. The returned func takes it back unless the outcome is one: it is
// called once.
func (a *Addresses) Take(client netip.Addr) (settle func(Outcome), err error) {
	if a == nil || a.isExempt(client) {
		return func(Outcome) {}, nil
	}
	key := subnet(client)
	a.mu.Lock()
	defer a.mu.Unlock()
	full := a.fullAt(key)
	if err := a.check(full); err != nil {
		return nil, err
	}
	a.full.Add(key, full.Add(a.interval))
	return func(o Outcome) {
		if o != Wrong && o != Refused {
			a.giveBack(key)
		}
	}, nil
}

// check says whether a bucket that is full again at a time holds anything now.
func (a *Addresses) check(full time.Time) error {
	wait := full.Add(a.interval).Sub(a.now()) - a.window
	if wait <= 0 {
		return nil
	}
	return &identity.RetryError{Err: ErrAddress, Reason: identity.ReasonThrottled, After: wait}
}

// fullAt is when a bucket is full again, now if it is.
func (a *Addresses) fullAt(key netip.Prefix) time.Time {
	now := a.now()
	if hit := a.full.Get(key); hit.State == cache.Fresh && hit.Value.After(now) {
		return hit.Value
	}
	return now
}

// giveBack undoes one failure.
func (a *Addresses) giveBack(key netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.full.Add(key, a.fullAt(key).Add(-a.interval))
}

// isExempt reports whether a client has no limit.
func (a *Addresses) isExempt(client netip.Addr) bool {
	for _, n := range a.exempt {
		if n.Contains(client) {
			return true
		}
	}
	return false
}

// subnet is what shares one bucket.
func subnet(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := client.BitLen()
	if client.Is6() {
		bits = subnetBits
	}
	p, err := client.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all
	}
	return p
}
