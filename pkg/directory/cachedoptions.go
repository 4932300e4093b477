package directory

import (
	"math/rand/v2"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
)

const (
	defaultSize            = 50_000
	defaultTTL             = 2 * time.Minute
	defaultUnknownSize     = 4_096
	defaultUnknownTTL      = 10 * time.Second
	defaultQuestionTimeout = 4 * time.Second
	// jitter spreads lives by 15 % either way.
	jitter = 0.15
)

// CachedOptions says what a [Cached] remembers, and for how long.
type CachedOptions struct {
	// Backend is asked what is not remembered; it must not be nil.
	Backend Backend
	// Source is the directory's configured name, for observers.
	Source string
	// Size is how many entries, and how many accounts, are held at most; zero means 50,000.
	Size int
	// TTL is their normal life, spread by 15 % either way; zero means 2 minutes.
	TTL time.Duration
	// StaleIfDown is how long after its life an entry or account may still be used while the directory is
	// [identity.ErrUnavailable]; zero means never.
	StaleIfDown time.Duration
	// UnknownSize is how many names without an entry are held at most, apart from the entries; zero means
	// 4,096.
	UnknownSize int
	// UnknownTTL is how long a name without an entry is remembered; zero means 10 seconds.
	UnknownTTL time.Duration
	// QuestionTimeout is how long one question to the Backend may take; zero means 4 seconds.
	QuestionTimeout time.Duration
	// Observer is told what happens.
	Observer Observer
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Rand gives numbers in [0, 1) for the spread of lives; nil means math/rand/v2.
	Rand func() float64
}

// withDefaults fills what was left zero.
func (o CachedOptions) withDefaults() CachedOptions {
	o.Size = orDefault(o.Size, defaultSize)
	o.TTL = orDefault(o.TTL, defaultTTL)
	o.UnknownSize = orDefault(o.UnknownSize, defaultUnknownSize)
	o.UnknownTTL = orDefault(o.UnknownTTL, defaultUnknownTTL)
	o.QuestionTimeout = orDefault(o.QuestionTimeout, defaultQuestionTimeout)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return o
}

// memory gives the options of one memory.
func (o CachedOptions) memory(name string, size int, ttl, extra time.Duration) cache.Options {
	return cache.Options{
		Size: size, TTL: ttl, Extra: extra, Jitter: jitter, Now: o.Now, Rand: o.Rand,
		Evicted: func() { o.Observer.evicted(o.Source, name) },
	}
}

// orDefault gives the value, or the default for the zero value.
func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
