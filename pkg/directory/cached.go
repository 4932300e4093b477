package directory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Cached is a [Backend] around a Backend. It remembers entries by login name and accounts by the entry's own
// id, names without an entry in a small memory of their own, and lets identical questions share one answer.
// Binds are never remembered. Make one with [NewCached].
type Cached struct {
	inner    Backend
	source   string
	observer Observer

	entries  *cache.Cache[string, Entry]
	unknown  *cache.Cache[string, error]
	accounts *cache.Cache[string, Account]
	finds    *cache.Flight[string, Entry]
	reads    *cache.Flight[string, Account]

	// forgotten counts the calls of Forget and Changed: what was asked before one is not remembered after it.
	forgotten atomic.Uint64
	changes   changes
	now       func() time.Time
	random    func() float64
}

var (
	_ Backend       = (*Cached)(nil)
	_ LockoutReader = (*Cached)(nil)
)

// NewCached makes a Cached with empty memories.
func NewCached(o CachedOptions) (*Cached, error) {
	if o.Backend == nil {
		return nil, fmt.Errorf("%w: no backend", ErrInvalidOptions)
	}
	o = o.withDefaults()
	c := &Cached{inner: o.Backend, source: o.Source, observer: o.Observer, now: o.Now, random: o.Rand, changes: changes{seed: maphash.MakeSeed()}}
	var errs [5]error
	c.entries, errs[0] = cache.New[string, Entry](o.memory(entryCache, o.Size, o.TTL, o.StaleIfDown))
	c.accounts, errs[1] = cache.New[string, Account](o.memory(accountCache, o.Size, o.TTL, o.StaleIfDown))
	c.unknown, errs[2] = cache.New[string, error](o.memory(unknownCache, o.UnknownSize, o.UnknownTTL, 0))
	c.finds, errs[3] = cache.NewFlight[string, Entry](cache.FlightOptions{Timeout: o.QuestionTimeout})
	c.reads, errs[4] = cache.NewFlight[string, Account](cache.FlightOptions{Timeout: o.QuestionTimeout})
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidOptions, err)
	}
	return c, nil
}

// Find returns the entry of a login name, remembered for not longer than maxAge or else as the directory has
// it now. A name without an entry is remembered, too; everything else that failed is not.
func (c *Cached) Find(ctx context.Context, login string, maxAge time.Duration) (Entry, error) {
	return c.entry(ctx, search{
		key: identity.Fold(login), typed: login,
		ask: func(ctx context.Context) (Entry, error) { return find(ctx, c.inner, login, 0) },
	}, maxAge)
}

// FindID returns the entry with an id, remembered like that of a login name.
func (c *Cached) FindID(ctx context.Context, id string, maxAge time.Duration) (Entry, error) {
	const mark = "\x00" // no login name has one
	return c.entry(ctx, search{
		key: mark + id, typed: mark + id,
		ask: func(ctx context.Context) (Entry, error) { return findID(ctx, c.inner, id, 0) },
	}, maxAge)
}

// search is what somebody wants the entry of.
type search struct {
	key   string // what its entry is remembered by
	typed string // what its lack of an entry is remembered by
	ask   func(ctx context.Context) (Entry, error)
}

// entry returns what is remembered of a search, or asks.
func (c *Cached) entry(ctx context.Context, s search, maxAge time.Duration) (Entry, error) {
	held := c.entries.Get(s.key)
	if usable(held.State, held.Age, maxAge) {
		c.observer.cache(c.source, entryCache, hitResult)
		return held.Value, nil
	}
	if no := c.unknown.Get(s.typed); usable(no.State, no.Age, maxAge) {
		c.observer.cache(c.source, entryCache, hitResult)
		return Entry{}, no.Value
	}
	e, err := c.find(ctx, s)
	if errors.Is(err, identity.ErrUnavailable) && held.State != cache.Miss && held.Age < maxAge {
		c.observer.cache(c.source, entryCache, staleResult)
		return held.Value, nil
	}
	c.observer.cache(c.source, entryCache, missResult)
	return e, err
}

// Prove asks the Backend: a bind is never answered from memory here.
func (c *Cached) Prove(ctx context.Context, e Entry, s identity.Secret, attempts guard.Attempts) (Proof, error) {
	return c.inner.Prove(ctx, e, s, attempts)
}

// Account returns the account of an entry, remembered for not longer than maxAge or else as the directory has
// it now. While the directory is unavailable it may be an older one, which then says so by Stale; "no" is
// never overruled by it.
func (c *Cached) Account(ctx context.Context, e Entry, p Proof, maxAge time.Duration) (Account, error) {
	held := c.accounts.Get(e.ID)
	if held.State == cache.Fresh && c.changes.outdate(e.ID, c.now(), held.Age) {
		held.State = cache.Stale
	}
	if usable(held.State, held.Age, maxAge) {
		c.observer.cache(c.source, accountCache, hitResult)
		return held.Value, nil
	}
	a, err := c.account(ctx, e, p)
	if errors.Is(err, identity.ErrUnavailable) && held.State != cache.Miss && held.Age < maxAge {
		c.observer.cache(c.source, accountCache, staleResult)
		held.Value.Stale = true
		return held.Value, nil
	}
	c.observer.cache(c.source, accountCache, missResult)
	return a, err
}

// Lockout asks the Backend, if it is a [LockoutReader].
func (c *Cached) Lockout(ctx context.Context, e Entry) guard.Lockout {
	if r, ok := c.inner.(LockoutReader); ok {
		return r.Lockout(ctx, e)
	}
	return guard.Lockout{Origin: "this kind of directory does not tell"}
}

// Forget drops what is remembered of the entry with the id, so that the next login reads it again. Answers
// that are under way are not remembered either. It looks at every entry and is not for hot paths.
func (c *Cached) Forget(id string) {
	c.forgotten.Add(1)
	c.accounts.Remove(id)
	c.entries.RemoveFunc(func(_ string, e Entry) bool { return e.ID == id })
}

// Entries and Accounts are how many of each are remembered, ended ones included.
func (c *Cached) Entries() int { return c.entries.Len() }

// Accounts is described at [Cached.Entries].
func (c *Cached) Accounts() int { return c.accounts.Len() }

// Wait returns when no question is in flight any more. It is for the end, when nobody asks any longer.
func (c *Cached) Wait() {
	c.finds.Wait()
	c.reads.Wait()
}

// find asks the Backend for an entry and remembers the answer.
func (c *Cached) find(ctx context.Context, s search) (Entry, error) {
	answer, err := c.finds.Do(ctx, s.typed, func(ctx context.Context) (Entry, error) {
		before := c.forgotten.Load()
		e, err := s.ask(ctx)
		c.unlessForgotten(before, func() { c.learn(s, e, err) }, func() { c.entries.Remove(s.key) })
		return e, err
	})
	if answer.Shared {
		c.observer.coalesced(c.source, findKind)
	}
	return answer.Value, err
}

// unlessForgotten has an answer put into a memory, unless something was forgotten since it was asked for; and taken out
// of it, where that happened at the same moment.
func (c *Cached) unlessForgotten(before uint64, put, takeOut func()) {
	if c.forgotten.Load() != before {
		return
	}
	if put(); c.forgotten.Load() != before {
		takeOut()
	}
}

// learn remembers what a search came to. That a name has no entry is kept under the name as it was typed: the
// directory may tell apart what folds to one key, and then one spelling must not shut out another.
func (c *Cached) learn(s search, e Entry, err error) {
	switch {
	case err == nil:
		if held := c.entries.Get(s.key); held.Value.ID == e.ID && held.Value.DN != e.DN {
			c.accounts.Remove(e.ID) // groups name their members by DN
		}
		c.unknown.Remove(s.typed)
		c.entries.Add(s.key, e)
	case errors.Is(err, identity.ErrInvalidCredentials):
		c.entries.Remove(s.key)
		c.unknown.Add(s.typed, err)
	}
}

// account asks the Backend for an account and remembers the answer. What speaks against an account without a proof may
// not speak against one with it: they do not share an answer.
func (c *Cached) account(ctx context.Context, e Entry, p Proof) (Account, error) {
	key := e.ID
	if p.IsZero() {
		key = "\x00" + key
	}
	answer, err := c.reads.Do(ctx, key, func(ctx context.Context) (Account, error) {
		before := c.forgotten.Load()
		a, err := c.inner.Account(ctx, e, p, 0)
		err = inTime(err)
		switch {
		case errors.Is(err, identity.ErrInvalidCredentials):
			c.accounts.Remove(e.ID)
		case err == nil:
			c.unlessForgotten(before, func() { c.accounts.Add(e.ID, a) }, func() { c.accounts.Remove(e.ID) })
		}
		return a, err
	})
	if answer.Shared {
		c.observer.coalesced(c.source, accountKind)
	}
	return answer.Value, err
}

// usable reports whether something remembered is good enough for who asks.
func usable(s cache.State, age, maxAge time.Duration) bool { return s == cache.Fresh && age < maxAge }
