package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/metrics"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/refresh"
	"github.com/wharfgate/wharfgate/pkg/server"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// observers are what the parts of one core tell.
type observers struct {
	directories map[string]directoryObservers // by name
	policy      policyfile.Observer
	keys        token.Observer
	audit       audit.Observer
	authority   authority.Observer
	server      server.Observer
	movedNames  func(directory string, moved int)
	refresh     refresh.Observer
	// refreshStore is told which store is in force; nil is none.
	refreshStore func(*refresh.Store)

	// audible is false until a core is in force: what policy and keys tell before is not so yet.
	audible *atomic.Bool
}

// instruments turn what the parts tell into metrics and, where somebody must look, into the log. They outlive
// every core.
type instruments struct {
	log      *slog.Logger
	metrics  *metrics.Metrics
	gatherer prometheus.Gatherer
}

// newInstruments registers the metrics of a configuration.
func newInstruments(cfg config.Config, o Options) (*instruments, error) {
	r := prometheus.NewRegistry()
	m, err := metrics.New(r, metrics.Options{
		Version: o.Version, Revision: o.Revision, GoVersion: o.GoVersion, Subjects: subjects(cfg),
	})
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return &instruments{log: o.Logger, metrics: m, gatherer: r}, nil
}

// subjects are the names of a configuration that become labels.
func subjects(cfg config.Config) metrics.Subjects {
	s := metrics.Subjects{Registries: serviceNames(cfg)}
	for _, r := range cfg.Registries {
		s.Algorithms = append(s.Algorithms, r.Algorithm)
	}
	for _, d := range cfg.Directories {
		s.Directories = append(s.Directories, metrics.Directory{Name: d.Name, Servers: d.Servers})
	}
	return s
}

// observers gives what the parts of a core of this configuration tell.
func (i *instruments) observers(cfg config.Config) observers {
	audible := new(atomic.Bool)
	o := observers{
		directories: make(map[string]directoryObservers, len(cfg.Directories)),
		policy:      i.policyObserver(audible),
		keys:        i.tokenObserver(audible),
		audit:       i.auditObserver(),
		authority:   i.metrics.AuthorityObserver(),
		server:      i.metrics.ServerObserver(),
		movedNames:  i.metrics.MovedNames,
		audible:     audible,

		refresh:      i.refreshObserver(),
		refreshStore: i.metrics.RefreshStore,
	}
	for _, d := range cfg.Directories {
		o.directories[d.Name] = directoryObservers{wire: i.metrics.LDAPObserver(d.Name), flow: i.flowObserver()}
	}
	return o
}

// policyObserver logs what happens to the policy, and counts it. A policy that is refused before it is audible
// is told by whoever wanted it.
func (i *instruments) policyObserver(audible *atomic.Bool) policyfile.Observer {
	o := i.metrics.PolicyObserver()
	loaded, failed, unresolved, vanished, blind := o.Loaded, o.Failed, o.Unresolved, o.Vanished, o.Blind
	o.Loaded = func(l policyfile.Loaded) {
		if !audible.Load() {
			return
		}
		call(loaded, l)
		i.log.Info("policy in force", "policy_revision", l.Revision, "rules", l.Rules, "unresolved_groups", l.Unresolved)
	}
	o.Failed = func(err error) {
		if !audible.Load() {
			return
		}
		call(failed, err)
		i.log.Error("policy not taken, the one before stays in force", "error", err)
	}
	o.Unresolved = func(directory, group string, err error) {
		if !audible.Load() {
			return // asked again within a second
		}
		if unresolved != nil {
			unresolved(directory, group, err)
		}
		i.log.Warn("group of a cannot rule not known yet, the rule applies to everybody of the directory",
			"directory", directory, "group", group, "error", err)
	}
	o.Vanished = func(directory, group string) {
		if vanished != nil {
			vanished(directory, group)
		}
		i.log.Warn("group of a cannot rule is gone from the directory, the rule keeps its id", "directory", directory, "group", group)
	}
	o.Blind = func(err error) {
		call(blind, err)
		i.log.Warn("policy file cannot be watched, it is looked at once a second", "error", err)
	}
	return o
}

// refused counts a policy that was refused together with the configuration that names it.
func (i *instruments) refused(err error) {
	if faults, ok := errors.AsType[policyfile.Faults](err); ok {
		call(i.metrics.PolicyObserver().Failed, error(faults))
	}
}

// tokenObserver logs new signing certificates, and counts them.
func (i *instruments) tokenObserver(audible *atomic.Bool) token.Observer {
	o := i.metrics.TokenObserver()
	rotated, failed := o.Rotated, o.Failed
	o.Rotated = func(algorithm string, notAfter time.Time) {
		if !audible.Load() {
			return
		}
		if rotated != nil {
			rotated(algorithm, notAfter)
		}
		i.log.Info("new signing certificate", "algorithm", algorithm, "not_after", notAfter.UTC())
	}
	o.Failed = func(algorithm string, err error) {
		if failed != nil {
			failed(algorithm, err)
		}
		i.log.Error("signing certificate not renewed", "algorithm", algorithm, "error", err)
	}
	i.keyFileObserver(&o, audible)
	return o
}

// keyFileObserver logs what becomes of the files of keys.
func (i *instruments) keyFileObserver(o *token.Observer, audible *atomic.Bool) {
	ring, ringFailed, ca, caFailed := o.Ring, o.RingFailed, o.CA, o.CAFailed
	o.Ring = func(name string, keys []token.RingKey) {
		if !audible.Load() {
			return
		}
		ring(name, keys)
		for _, k := range keys {
			if k.State != token.KeyGone {
				i.log.Info("signing key", "keys", name, "id", k.ID, "state", string(k.State))
			}
		}
	}
	o.RingFailed = func(name string, err error) {
		ringFailed(name, err)
		i.log.Error("signing keys not read; those of before stay", "keys", name, "error", err)
	}
	o.CA = func(notAfter time.Time) {
		if !audible.Load() {
			return
		}
		ca(notAfter)
		i.log.Info("signing CA", "not_after", notAfter.UTC())
	}
	o.CAFailed = func(err error) {
		caFailed(err)
		i.log.Error("signing CA not read; the one of before stays", "error", err)
	}
}

// auditObserver logs losses of the audit record, and counts them.
func (i *instruments) auditObserver() audit.Observer {
	o := i.metrics.AuditObserver()
	failed := o.Failed
	o.Failed = func(err error) {
		call(failed, err)
		i.log.Error("audit record not written", "error", err)
	}
	return o
}

// call calls a func that may be nil.
func call[T any](f func(T), v T) {
	if f != nil {
		f(v)
	}
}

// count lets the metrics count what the directories remember.
func (i *instruments) count(all *directories) {
	for _, d := range all.list {
		i.metrics.CacheEntries(d.name, "entry", d.cached.Entries)
		i.metrics.CacheEntries(d.name, "account", d.cached.Accounts)
		i.metrics.CacheEntries(d.name, "wrong_password", d.wrong.Len)
		i.metrics.CacheEntries(d.name, "admission", d.admissions.Len)
		i.metrics.ThrottledAccounts(d.name, func() int { return d.guards.failures.Throttled(d.name) })
	}
}

// forgotten counts a proven password of a directory that was dropped to make room.
func (i *instruments) forgotten(directory string) {
	i.metrics.DirectoryObserver().Evicted(directory, "admission")
}

// handler answers /metrics.
func (i *instruments) handler() http.Handler { return metrics.Handler(i.gatherer) }
