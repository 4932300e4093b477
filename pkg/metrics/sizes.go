package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// sizes asks memories for their number of entries at each scrape.
type sizes struct {
	entries   *prometheus.Desc
	throttled *prometheus.Desc

	mu    sync.Mutex
	funcs map[size]func() int
}

// size is one gauge: a description, the directory, and what else the description has as a label.
type size struct {
	desc      *prometheus.Desc
	directory string
	cache     string
}

// describe sets the descriptions, once.
func (s *sizes) describe() {
	s.entries = prometheus.NewDesc("wharfgate_cache_entries", "Entries of a memory.", []string{"directory", "cache"}, nil)
	s.throttled = prometheus.NewDesc("wharfgate_throttled_accounts",
		"Accounts of which too many binds have failed, so that only a proven password is sent.", []string{"directory"}, nil)
	s.funcs = make(map[size]func() int)
}

// CacheEntries sets the func that counts the entries of a memory ("entry", "account", "wrong_password" or
// "admission") of a directory; it replaces the one before.
func (m *Metrics) CacheEntries(directory, cache string, count func() int) {
	m.sizes.set(size{m.sizes.entries, directory, cache}, count)
}

// ThrottledAccounts sets the func that counts the accounts of a directory of which too many binds have failed; it
// replaces the one before.
func (m *Metrics) ThrottledAccounts(directory string, count func() int) {
	m.sizes.set(size{desc: m.sizes.throttled, directory: directory}, count)
}

// set sets the func of one gauge.
func (s *sizes) set(key size, count func() int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.funcs[key] = count
}

// keep forgets the memories of directories that are gone.
func (s *sizes) keep(t *table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.funcs {
		if t.directories[key.directory] == nil {
			delete(s.funcs, key)
		}
	}
}

// Describe implements [prometheus.Collector].
func (s *sizes) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.entries
	ch <- s.throttled
}

// Collect implements [prometheus.Collector].
func (s *sizes) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, count := range s.funcs {
		labels := []string{key.directory}
		if key.cache != "" {
			labels = append(labels, key.cache)
		}
		ch <- prometheus.MustNewConstMetric(key.desc, prometheus.GaugeValue, float64(count()), labels...)
	}
}
