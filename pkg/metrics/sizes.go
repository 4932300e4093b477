package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// sizes asks memories for their number of entries at each scrape.
type sizes struct {
	desc *prometheus.Desc

	mu    sync.Mutex
	funcs map[pair]func() int
}

// describe sets the description, once.
func (s *sizes) describe() {
	s.desc = prometheus.NewDesc("wharfgate_cache_entries", "Entries of a memory.", []string{"directory", "cache"}, nil)
}

// CacheEntries sets the func that counts the entries of a memory ("entry", "account" or "wrong_password") of a
// directory; it replaces the one before.
func (m *Metrics) CacheEntries(directory, cache string, count func() int) {
	m.sizes.mu.Lock()
	defer m.sizes.mu.Unlock()
	if m.sizes.funcs == nil {
		m.sizes.funcs = make(map[pair]func() int)
	}
	m.sizes.funcs[pair{directory, cache}] = count
}

// keep forgets the memories of directories that are gone.
func (s *sizes) keep(t *table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.funcs {
		if t.directories[key.a] == nil {
			delete(s.funcs, key)
		}
	}
}

// Describe implements [prometheus.Collector].
func (s *sizes) Describe(ch chan<- *prometheus.Desc) { ch <- s.desc }

// Collect implements [prometheus.Collector].
func (s *sizes) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, count := range s.funcs {
		ch <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(count()), key.a, key.b)
	}
}
