package metrics

import (
	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// AuthorityObserver gives what the authority tells.
func (m *Metrics) AuthorityObserver() authority.Observer {
	return authority.Observer{
		Decided: func(service, action string, granted bool, reason policy.Reason) {
			if t := m.table.Load().registries[service]; t != nil {
				increment(t.decisions[decisionKey{action, granted, reason}])
			}
		},
		Signed: func(service string, size int) {
			if t := m.table.Load().registries[service]; t != nil && t.sizes != nil {
				t.sizes.Observe(float64(size))
			}
		},
	}
}
