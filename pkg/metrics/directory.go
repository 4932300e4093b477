package metrics

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// opDial is the operation of opening a connection.
const opDial = "dial"

// DirectoryObserver gives what every directory's login flow and memory tell.
func (m *Metrics) DirectoryObserver() directory.Observer {
	return directory.Observer{
		Login: func(source string, reason identity.Reason, d time.Duration) {
			if t := m.table.Load().directories[source]; t != nil {
				increment(t.logins[reason])
				t.duration.Observe(d.Seconds())
			}
		},
		Cache: func(source, cache, result string) {
			if t := m.table.Load().directories[source]; t != nil {
				increment(t.caches[pair{cache, result}])
			}
		},
		Evicted: func(source, cache string) {
			if t := m.table.Load().directories[source]; t != nil {
				increment(t.evicted[cache])
			}
		},
		Coalesced: func(source, kind string) {
			if t := m.table.Load().directories[source]; t != nil {
				increment(t.coalesced[kind])
			}
		},
		Believed: func(source, why string) {
			if t := m.table.Load().directories[source]; t != nil {
				increment(t.believed[why])
			}
		},
		Changed: func(source, kind string) {
			if t := m.table.Load().directories[source]; t != nil {
				increment(t.changes[kind])
			}
		},
		BudgetRefused: func(source string) {
			if t := m.table.Load().directories[source]; t != nil {
				t.refusals.Inc()
			}
		},
	}
}

// Watches adds to how many watches of a directory's changes are told of them: one, or two for a moment during a
// reload.
func (m *Metrics) Watches(directory string, more float64) {
	if t := m.table.Load().directories[directory]; t != nil {
		t.watches.Add(more)
	}
}

// increment counts, unless the labels are not of the closed set.
func increment(c prometheus.Counter) {
	if c != nil {
		c.Inc()
	}
}

// ldapObserver is what one Backend tells. Counts of connections are absolute for a Backend, and two of them
// may stand side by side during a reload: the gauge holds their sum.
type ldapObserver struct {
	m         *Metrics
	directory string

	mu   sync.Mutex
	open map[pair]int // connections by server and pool, as they were last told
}

// LDAPObserver gives what the Backend of one directory tells. Each Backend gets one of its own. What it tells
// counts for servers that are among the [Subjects] as well, or that the Backend found by itself; a reload therefore
// makes the observer first, and calls [Metrics.Reconfigure] once the new configuration is in force.
func (m *Metrics) LDAPObserver(name string) ldap.Observer {
	o := &ldapObserver{m: m, directory: name, open: make(map[pair]int)}
	return ldap.Observer{
		Dial: o.dial, Operation: o.operation, Wait: o.wait, Connections: o.connections, Breaker: o.breaker(), Servers: o.servers,
		Certificate: func(server string, notAfter time.Time) {
			if o.server(server) != nil {
				m.families.ldapCertificate.WithLabelValues(name, server).Set(seconds(notAfter))
			}
		},
		AmbiguousGroup: func(string) {
			if t := m.table.Load().directories[name]; t != nil {
				t.ambiguous.Inc()
			}
		},
	}
}

// server gives the children of a server, nil for one that is not configured (any more).
func (o *ldapObserver) server(url string) *serverTable {
	if t := o.m.table.Load().directories[o.directory]; t != nil {
		return t.servers[url]
	}
	return nil
}

func (o *ldapObserver) dial(server string, d time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "unavailable"
		if timeout, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout() {
			result = "timeout"
		}
	}
	o.operation(server, opDial, result, d)
}

func (o *ldapObserver) operation(server, op, result string, d time.Duration) {
	t := o.server(server)
	if t == nil {
		return
	}
	increment(t.operations[pair{op, result}])
	if h := t.durations[op]; h != nil {
		h.Observe(d.Seconds())
	}
	switch result {
	case "ok", "invalid_credentials", "refused":
		o.up(server, yes)
	case "unavailable", "timeout":
		o.up(server, no)
	}
}

// up says whether a server answered. The series exists from the first contact on: before it nobody knows.
func (o *ldapObserver) up(server string, answers float64) {
	o.m.families.ldapUp.WithLabelValues(o.directory, server).Set(answers)
}

func (o *ldapObserver) wait(server, pool string, d time.Duration) {
	if t := o.server(server); t != nil && t.waits[pool] != nil {
		t.waits[pool].Observe(d.Seconds())
	}
}

func (o *ldapObserver) connections(server, pool string, open int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.server(server)
	if t == nil || t.connections[pool] == nil {
		return
	}
	key := pair{server, pool}
	t.connections[pool].Add(float64(open - o.open[key]))
	o.open[key] = open
}

// servers takes over what was found. A server that is gone and comes back begins at no connection.
func (o *ldapObserver) servers(servers []string) {
	o.m.foundServers(o.directory, servers)
	o.mu.Lock()
	defer o.mu.Unlock()
	for key := range o.open {
		if !slices.Contains(servers, key.a) {
			delete(o.open, key)
		}
	}
}

// breaker takes the func of the Observer as it is: open is what is told, not a switch.
func (o *ldapObserver) breaker() func(server string, open bool) {
	return func(server string, open bool) {
		t := o.server(server)
		switch {
		case t == nil:
		case open:
			t.breaker.Set(yes)
			o.up(server, no)
		default:
			t.breaker.Set(no)
		}
	}
}

// Yes and no as Prometheus writes them.
const (
	no  = 0
	yes = 1
)
