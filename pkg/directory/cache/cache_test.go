package cache_test

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
)

// clock is a time that a test moves.
type clock struct{ t time.Time }

func newClock() *clock                   { return &clock{t: time.Unix(1_700_000_000, 0)} }
func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newCache(t *testing.T, o cache.Options) *cache.Cache[string, int] {
	t.Helper()
	c, err := cache.New[string, int](o)
	if err != nil {
		t.Fatalf("New(%+v): %v", o, err)
	}
	return c
}

func TestGetByAge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		age  time.Duration
		want cache.State
	}{
		{"new", 0, cache.Fresh},
		{"just before its end", time.Minute - 1, cache.Fresh},
		{"at its end", time.Minute, cache.Stale},
		{"at the end of the extra time", 3*time.Minute - 1, cache.Stale},
		{"gone", 3 * time.Minute, cache.Miss},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			c := newCache(t, cache.Options{Size: 2, TTL: time.Minute, Extra: 2 * time.Minute, Now: clock.now})
			c.Add("a", 7)
			clock.advance(tt.age)
			got := c.Get("a")
			want := cache.Hit[int]{Value: 7, State: tt.want, Age: tt.age}
			if tt.want == cache.Miss {
				want = cache.Hit[int]{}
			}
			if got != want {
				t.Errorf("Get after %v = %+v, want %+v", tt.age, got, want)
			}
		})
	}
}

func TestAddForOwnLife(t *testing.T) {
	t.Parallel()
	clock := newClock()
	c := newCache(t, cache.Options{Size: 2, TTL: time.Minute, Now: clock.now})
	c.AddFor("long", 1, time.Hour)
	c.AddFor("none", 2, 0)
	clock.advance(30 * time.Minute)
	if got := c.Get("long").State; got != cache.Fresh {
		t.Errorf("state within its own life = %v, want Fresh", got)
	}
	if got := c.Get("none").State; got != cache.Miss {
		t.Errorf("state without a life = %v, want Miss", got)
	}
}

func TestEviction(t *testing.T) {
	t.Parallel()
	evicted := 0
	c := newCache(t, cache.Options{Size: 2, TTL: time.Minute, Evicted: func() { evicted++ }})
	c.Add("a", 1)
	c.Add("b", 2)
	c.Get("a")
	c.Add("c", 3)
	if c.Get("b").State != cache.Miss || c.Get("a").State != cache.Fresh || c.Len() != 2 {
		t.Errorf("least recently used value was not the one dropped")
	}
	c.Remove("a")
	c.Remove("absent")
	if evicted != 1 {
		t.Errorf("Evicted was called %d times, want 1: for room only", evicted)
	}
}

func TestRemoveFunc(t *testing.T) {
	t.Parallel()
	c := newCache(t, cache.Options{Size: 4, TTL: time.Minute})
	for i, key := range []string{"a", "b", "c"} {
		c.Add(key, i)
	}
	c.RemoveFunc(func(key string, value int) bool { return key == "a" || value == 2 })
	if c.Len() != 1 || c.Get("b").State != cache.Fresh {
		t.Errorf("Len() = %d, want only b", c.Len())
	}
}

// TestLDAP61_LivesAreSpread: what was loaded together does not end together, and nothing lives longer or
// shorter than the jitter allows.
func TestLDAP61_LivesAreSpread(t *testing.T) {
	t.Parallel()
	const entries, ttl = 1000, 120 * time.Second
	clock := newClock()
	c := newCache(t, cache.Options{Size: entries, TTL: ttl, Jitter: 0.15, Now: clock.now})
	for i := range entries {
		c.Add(strconv.Itoa(i), i)
	}
	alive := func() (n int) {
		for i := range entries {
			if c.Get(strconv.Itoa(i)).State == cache.Fresh {
				n++
			}
		}
		return n
	}
	clock.advance(ttl * 85 / 100)
	if n := alive(); n < entries-1 {
		t.Errorf("%d of %d live at 85 %% of the life, want all", n, entries)
	}
	before := entries
	for range 36 {
		clock.advance(time.Second)
		n := alive()
		if before-n > entries/10 {
			t.Errorf("%d of %d ended in one second, want them spread", before-n, entries)
		}
		before = n
	}
	if before != 0 {
		t.Errorf("%d live after 115 %% of the life, want none", before)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*cache.Options){
		func(o *cache.Options) { o.Size = 0 },
		func(o *cache.Options) { o.TTL = 0 },
		func(o *cache.Options) { o.Extra = -1 },
		func(o *cache.Options) { o.Jitter = -0.1 },
		func(o *cache.Options) { o.Jitter = 0.6 },
	} {
		o := cache.Options{Size: 1, TTL: time.Second}
		edit(&o)
		if _, err := cache.New[string, int](o); err == nil {
			t.Errorf("New(%+v): no error, want one", o)
		}
	}
}

func TestCacheInParallel(t *testing.T) {
	t.Parallel()
	c := newCache(t, cache.Options{Size: 8, TTL: time.Minute, Jitter: 0.1})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				key := strconv.Itoa((i + g) % 16)
				c.Add(key, i)
				c.Get(key)
				c.RemoveFunc(func(k string, _ int) bool { return k == key })
			}
		})
	}
	wg.Wait()
	if c.Len() > 8 {
		t.Errorf("Len() = %d, want at most 8", c.Len())
	}
}

// TestGetDoesNotAllocate counts over so many calls that what other tests allocate meanwhile does not matter.
func TestGetDoesNotAllocate(t *testing.T) {
	t.Parallel()
	const calls = 500_000
	c := newCache(t, cache.Options{Size: 8, TTL: time.Hour, Jitter: 0.1})
	c.Add("a", 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		c.Get("a")
		c.Get("absent")
	}
	runtime.ReadMemStats(&after)
	if n := (after.Mallocs - before.Mallocs) / calls; n != 0 {
		t.Errorf("Get allocates %d times, want 0", n)
	}
}

func BenchmarkCacheGet(b *testing.B) {
	c, err := cache.New[[32]byte, [8]string](cache.Options{Size: 1024, TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	c.Add([32]byte{1}, [8]string{"value"})
	b.ReportAllocs()
	for b.Loop() {
		c.Get([32]byte{1})
	}
}

func ExampleCache() {
	c, err := cache.New[string, int](cache.Options{Size: 100, TTL: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Add("alice", 42)
	hit := c.Get("alice")
	fmt.Println(hit.Value, hit.State == cache.Fresh)
	// Output: 42 true
}
