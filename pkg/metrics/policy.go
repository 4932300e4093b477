package metrics

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// stateCurrent is the state of the key that signs now.
const stateCurrent = "current"

// PolicyLoaded is told that a policy of that revision and number of rules is in force now.
func (m *Metrics) PolicyLoaded(revision string, rules int) {
	if old := m.revision.Swap(&revision); old != nil && *old != revision {
		m.families.policyInfo.DeleteLabelValues(*old)
	}
	m.families.policyInfo.WithLabelValues(revision).Set(1)
	m.families.policyRules.Set(float64(rules))
	m.reloaded(m.families.policyReload, m.families.policyReloadTime, nil)
}

// PolicyRefused is told that a policy was read and not taken; the one before stays in force.
func (m *Metrics) PolicyRefused(err error) {
	if err != nil {
		m.reloaded(m.families.policyReload, m.families.policyReloadTime, err)
	}
}

// TokenObserver gives what the signing keys tell.
func (m *Metrics) TokenObserver() token.Observer {
	return token.Observer{
		Rotated: func(algorithm string, notAfter time.Time) {
			m.families.signingKey.WithLabelValues(algorithm, stateCurrent).Set(seconds(notAfter))
		},
		Failed: func(algorithm string, _ error) { m.families.signingKeyErrors.WithLabelValues(algorithm).Inc() },
	}
}

// AuditRecord counts a record that was handed to the audit writer.
func (m *Metrics) AuditRecord() { m.families.auditRecords.Inc() }

// AuditDropped counts a record that was dropped.
func (m *Metrics) AuditDropped() { m.families.auditDropped.Inc() }

// AuditWriteError counts a failed write of records.
func (m *Metrics) AuditWriteError(error) { m.families.auditErrors.Inc() }
