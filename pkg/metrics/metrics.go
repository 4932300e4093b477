package metrics

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options are what [New] needs.
type Options struct {
	// Version, Revision and GoVersion describe the binary; empty ones are shown as unknown.
	Version, Revision, GoVersion string
	// Subjects are what is configured.
	Subjects
	// Now is the clock for the times of reloads; nil means time.Now.
	Now func() time.Time
}

// Subjects are the configured things that metrics are about. Their names become labels.
type Subjects struct {
	// Registries are the service names.
	Registries []string
	// Directories are the directories.
	Directories []Directory
	// Algorithms are the signature algorithms that the registries use.
	Algorithms []string
}

// Directory is one configured directory.
type Directory struct {
	// Name is its name; Servers are its servers' URLs as they are configured. None are configured where they are
	// found at run time: then the observer of the directory tells them.
	Name    string
	Servers []string
}

// Metrics holds the collectors. Make one with [New]; it is safe for concurrent use.
type Metrics struct {
	families *families
	now      func() time.Time

	reconfigure sync.Mutex
	subjects    Subjects
	discovered  map[string][]string // the servers of a directory, where they are found at run time
	table       atomic.Pointer[table]
	sizes       sizes
	refresh     refreshGauges
	revision    atomic.Pointer[string]
}

// New makes the collectors, registers them together with those of Go and of the process, and creates a child
// for every combination of labels. It fails if one of the names is registered already.
func New(reg prometheus.Registerer, o Options) (*Metrics, error) {
	if reg == nil {
		return nil, errors.New("metrics: a Registerer is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Metrics{families: newFamilies(), now: o.Now, discovered: make(map[string][]string)}
	m.sizes.describe()
	all := append(m.families.collectors(), &m.sizes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	all = append(all, m.refresh.collectors()...)
	var errs []error
	for _, c := range all {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	m.families.buildInfo.WithLabelValues(known(o.Version), known(o.Revision), known(o.GoVersion)).Set(1)
	m.Reconfigure(o.Subjects)
	m.ConfigReloaded(nil)
	return m, nil
}

// known replaces an empty text: a label without a value is no label.
func known(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// Reconfigure takes over what is configured now: children are made for what is new, and what is gone is
// removed. Observers that were given out before go on working; they drop what they are told about things that
// are gone. It is called after a reload, when the new configuration is in force.
func (m *Metrics) Reconfigure(s Subjects) {
	m.reconfigure.Lock()
	defer m.reconfigure.Unlock()
	m.subjects = s
	m.rebuild()
}

// foundServers takes over the servers of a directory that were found at run time.
func (m *Metrics) foundServers(directory string, servers []string) {
	m.reconfigure.Lock()
	defer m.reconfigure.Unlock()
	m.discovered[directory] = slices.Clone(servers)
	m.rebuild()
}

// rebuild makes the children of what is configured and found.
func (m *Metrics) rebuild() {
	s := m.subjects
	s.Directories = slices.Clone(s.Directories)
	for i := range s.Directories {
		if d := &s.Directories[i]; len(d.Servers) == 0 {
			d.Servers = m.discovered[d.Name]
		}
	}
	next := newTable(m.families, s)
	if old := m.table.Swap(next); old != nil {
		old.removeMissing(m.families, next)
	}
	m.sizes.keep(next)
}

// Handler answers /metrics with what the registry gathers. It serves a few scrapes at once, and OpenMetrics
// and native histograms to those who ask for them.
func Handler(g prometheus.Gatherer) http.Handler {
	const (
		scrapes = 8
		timeout = 10 * time.Second
	)
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: scrapes, Timeout: timeout,
	})
}

// ConfigReloaded is told the outcome of reading the configuration again.
func (m *Metrics) ConfigReloaded(err error) {
	m.reloaded(m.families.configReload, m.families.configReloadTime, err)
}

// reloaded sets the pair of gauges that Prometheus' own programs use for a reload.
func (m *Metrics) reloaded(successful, at prometheus.Gauge, err error) {
	if err != nil {
		successful.Set(0)
		return
	}
	successful.Set(1)
	at.Set(seconds(m.now()))
}

// seconds is a time as Prometheus writes it.
func seconds(t time.Time) float64 {
	const perSecond = 1e3
	return float64(t.UnixMilli()) / perSecond
}
