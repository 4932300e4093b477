package cache

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// ErrInvalidOptions means that a Cache or a Flight cannot be made from its options.
var ErrInvalidOptions = errors.New("invalid cache options")

// maxJitter bounds [Options.Jitter], so that no life comes near zero.
const maxJitter = 0.5

// State says how good a remembered value is. The zero State is Miss.
type State uint8

// The states.
const (
	// Miss means that nothing usable is remembered.
	Miss State = iota
	// Stale means that the value is past its life, within [Options.Extra].
	Stale
	// Fresh means that the value is within its life.
	Fresh
)

// Options says how a [Cache] remembers.
type Options struct {
	// Size is how many values are held at most; it must be positive.
	Size int
	// TTL is the normal life of a value; it must be positive.
	TTL time.Duration
	// Extra is how long a value is given as [Stale] after its life; zero means never.
	Extra time.Duration
	// Jitter is the share of the life by which it is made longer or shorter at random: 0.15 is 15 % either
	// way. Zero means none; at most 0.5.
	Jitter float64
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
	// Rand gives numbers in [0, 1) for the jitter and is called from many goroutines; nil means
	// [rand.Float64].
	Rand func() float64
	// Evicted is called each time a value was dropped to make room; it may be nil and must not block.
	Evicted func()
}

// Cache is a bounded memory whose values expire. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	items   *lru.Cache[K, item[V]]
	ttl     time.Duration
	extra   time.Duration
	jitter  float64
	now     func() time.Time
	rand    func() float64
	evicted func()
}

// item is a value with its expiry.
type item[V any] struct {
	value V
	added time.Time
	life  time.Duration
}

// Hit is the answer of [Cache.Get]. The zero Hit is a miss.
type Hit[V any] struct {
	// Value is what was remembered; the zero value after a miss.
	Value V
	// State says whether Value may be used.
	State State
	// Age is the time since the value was added.
	Age time.Duration
}

// New makes an empty Cache.
func New[K comparable, V any](o Options) (*Cache[K, V], error) {
	if o.Size <= 0 || o.TTL <= 0 || o.Extra < 0 || o.Jitter < 0 || o.Jitter > maxJitter {
		return nil, fmt.Errorf("%w: size %d, ttl %v, extra %v, jitter %v",
			ErrInvalidOptions, o.Size, o.TTL, o.Extra, o.Jitter)
	}
	items, err := lru.New[K, item[V]](o.Size)
	if err != nil {
		return nil, fmt.Errorf("make memory: %w", err)
	}
	c := &Cache[K, V]{
		items: items, ttl: o.TTL, extra: o.Extra, jitter: o.Jitter, now: o.Now, rand: o.Rand, evicted: o.Evicted,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.rand == nil {
		c.rand = rand.Float64
	}
	return c, nil
}

// Get returns what is remembered for the key, and marks it as used. It does not allocate.
func (c *Cache[K, V]) Get(key K) Hit[V] {
	it, ok := c.items.Get(key)
	if !ok {
		return Hit[V]{}
	}
	age := c.now().Sub(it.added)
	switch {
	case age < it.life:
		return Hit[V]{Value: it.value, State: Fresh, Age: age}
	case age < it.life+c.extra:
		return Hit[V]{Value: it.value, State: Stale, Age: age}
	default: // left in its place: it is overwritten next, or falls out by itself
		return Hit[V]{}
	}
}

// Add remembers a value for the normal life.
func (c *Cache[K, V]) Add(key K, value V) { c.AddFor(key, value, c.ttl) }

// AddFor remembers a value for a life of its own. A life that is not positive is a miss at once.
func (c *Cache[K, V]) AddFor(key K, value V, life time.Duration) {
	it := item[V]{value: value, added: c.now(), life: c.spread(life)}
	if c.items.Add(key, it) && c.evicted != nil {
		c.evicted()
	}
}

// Remove forgets a key.
func (c *Cache[K, V]) Remove(key K) { c.items.Remove(key) }

// RemoveFunc forgets every key whose value the func picks. It looks at all of them and is not for hot paths.
func (c *Cache[K, V]) RemoveFunc(pick func(K, V) bool) {
	for _, key := range c.items.Keys() {
		if it, ok := c.items.Peek(key); ok && pick(key, it.value) {
			c.items.Remove(key)
		}
	}
}

// Len is how many values are held, the expired ones included.
func (c *Cache[K, V]) Len() int { return c.items.Len() }

// spread makes a life longer or shorter by the jitter.
func (c *Cache[K, V]) spread(life time.Duration) time.Duration {
	if c.jitter == 0 {
		return life
	}
	return life + time.Duration(float64(life)*c.jitter*(2*c.rand()-1))
}
