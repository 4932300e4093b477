package metrics

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// stateCurrent is the state of the key that signs now.
const stateCurrent = "current"

// PolicyObserver gives what the watcher of the policy tells.
func (m *Metrics) PolicyObserver() policyfile.Observer {
	return policyfile.Observer{
		Loaded: m.policyLoaded,
		Failed: func(err error) { m.reloaded(m.families.policyReload, m.families.policyReloadTime, err) },
		Vanished: func(directory, _ string) {
			if m.table.Load().directories[directory] != nil {
				m.families.policyVanished.WithLabelValues(directory).Inc()
			}
		},
	}
}

// MovedNames shows how many login names that the policy follows belong to another account than before.
func (m *Metrics) MovedNames(directory string, n int) {
	if m.table.Load().directories[directory] != nil {
		m.families.policyMoved.WithLabelValues(directory).Set(float64(n))
	}
}

// policyLoaded shows the policy that is in force now.
func (m *Metrics) policyLoaded(l policyfile.Loaded) {
	if old := m.revision.Swap(&l.Revision); old != nil && *old != l.Revision {
		m.families.policyInfo.DeleteLabelValues(*old)
	}
	m.families.policyInfo.WithLabelValues(l.Revision).Set(1)
	m.families.policyRules.Set(float64(l.Rules))
	m.families.policyUnresolved.Set(float64(l.Unresolved))
	if !l.Refused {
		m.reloaded(m.families.policyReload, m.families.policyReloadTime, nil)
	}
}

// TokenObserver gives what the signing keys tell.
func (m *Metrics) TokenObserver() token.Observer {
	return token.Observer{
		Rotated: func(algorithm string, notAfter time.Time) {
			m.families.signingKey.WithLabelValues(algorithm, stateCurrent).Set(seconds(notAfter))
		},
		Failed:     func(algorithm string, _ error) { m.families.signingKeyErrors.WithLabelValues(algorithm).Inc() },
		Ring:       m.ring,
		RingFailed: func(string, error) { m.families.signingReload.Inc() },
		CA:         func(notAfter time.Time) { m.families.signingCA.Set(seconds(notAfter)) },
		CAFailed:   func(error) { m.families.signingReload.Inc() },
	}
}

// ring shows the keys of a name.
func (m *Metrics) ring(name string, keys []token.RingKey) {
	count := map[token.KeyState]int{token.KeyStandby: 0, token.KeyActive: 0, token.KeyRetiring: 0}
	for _, k := range keys {
		if k.State == token.KeyGone {
			continue
		}
		count[k.State]++
		if k.State == token.KeyActive && !k.NotAfter.IsZero() {
			m.families.signingRingEnd.WithLabelValues(name).Set(seconds(k.NotAfter))
		}
	}
	for state, n := range count {
		m.families.signingRing.WithLabelValues(name, string(state)).Set(float64(n))
	}
}

// AuditObserver gives what the audit writer tells.
func (m *Metrics) AuditObserver() audit.Observer {
	return audit.Observer{
		Dropped: func(records int) { m.families.auditDropped.Add(float64(records)) },
		Failed:  func(error) { m.families.auditErrors.Inc() },
	}
}
