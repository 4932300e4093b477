package metrics

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/server"
)

// ServerObserver gives what one Server tells. Each Server gets one of its own: two of them may stand side by
// side during a reload, and the gauge of requests in flight holds their sum.
func (m *Metrics) ServerObserver() server.Observer {
	inFlight := new(atomic.Int64)
	return server.Observer{
		Finished: m.finished,
		InFlight: func(n int) { m.families.httpInFlight.Add(float64(int64(n) - inFlight.Swap(int64(n)))) },
		Queued:   func(d time.Duration) { m.families.httpQueue.Observe(d.Seconds()) },
		Certificate: func(notAfter time.Time) {
			m.families.tlsCertificate.Set(seconds(notAfter))
			m.families.tlsReload.Set(1)
		},
		CertificateError: func(error) { m.families.tlsReload.Set(0) },
	}
}

// finished counts a request that was answered.
func (m *Metrics) finished(f server.Finished) {
	m.families.httpRequests.WithLabelValues(f.Handler, f.Method, code(f.Code)).Inc()
	m.families.httpDuration.WithLabelValues(f.Handler, f.Method).Observe(f.Duration.Seconds())
	t := m.table.Load().registries[f.Service]
	if t == nil || f.Result == "" {
		return
	}
	increment(t.requests[requestKey{f.Grant, f.Result}])
	if h := t.durations[f.Grant]; h != nil {
		h.Observe(f.Duration.Seconds())
	}
}

// code is a status as text, without an allocation for those that occur.
func code(status int) string {
	switch status {
	case http.StatusOK:
		return "200"
	case http.StatusUnauthorized:
		return "401"
	case http.StatusServiceUnavailable:
		return "503"
	default:
		return strconv.Itoa(status)
	}
}
