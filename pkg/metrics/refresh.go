package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

// refreshGauges ask the store of refresh tokens in force at each scrape.
type refreshGauges struct {
	store atomic.Pointer[refresh.Store]
}

// collectors gives the gauges. Both are 0 without a store.
func (g *refreshGauges) collectors() []prometheus.Collector {
	ask := func(f func(*refresh.Store) float64) func() float64 {
		return func() float64 {
			if s := g.store.Load(); s != nil {
				return f(s)
			}
			return 0
		}
	}
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wharfgate_refresh_revoked_accounts", Help: "Accounts with revoked refresh tokens that have not expired yet.",
		}, ask(func(s *refresh.Store) float64 { return float64(s.Revocations()) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wharfgate_refresh_key_since_timestamp_seconds", Help: "Since when the key of refresh tokens seals; 0 where none are given.",
		}, ask(func(s *refresh.Store) float64 { return seconds(s.KeySince()) })),
	}
}

// RefreshStore sets the store of refresh tokens that is in force; nil is none.
func (m *Metrics) RefreshStore(s *refresh.Store) { m.refresh.store.Store(s) }

// RefreshObserver gives what refresh tokens tell.
func (m *Metrics) RefreshObserver() refresh.Observer {
	return refresh.Observer{
		Issued: func(service string) {
			if t := m.table.Load().registries[service]; t != nil && t.refreshIssued != nil {
				t.refreshIssued.Inc()
			}
		},
		Used: func(service, result string) {
			if t := m.table.Load().registries[service]; t != nil {
				increment(t.refreshUses[result])
			}
		},
		Ended: func(source string, why identity.Reason) {
			if m.table.Load().directories[source] != nil {
				m.families.refreshEnded.WithLabelValues(source, string(why)).Inc()
			}
		},
		Failed: func(error) { m.families.refreshStoreErrors.Inc() },
	}
}
