package metrics

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/refresh"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// The closed sets of labels that the observed packages name by words.
func caches() []string       { return []string{"entry", "account", "wrong_password", "admission"} }
func cacheResults() []string { return []string{"hit", "miss", "stale"} }
func kinds() []string        { return []string{"find", "bind", "account"} }
func pools() []string        { return []string{"search", "bind"} }
func operations() []string   { return []string{opDial, "service_bind", "user_bind", "search"} }
func ldapResults() []string {
	return []string{"ok", "invalid_credentials", "refused", "unavailable", "timeout", "error"}
}
func handlers() []string { return []string{server.HandlerToken, server.HandlerNone} }
func methods() []string  { return []string{"GET", "POST", "other"} }

// codes are the statuses that a handler answers a method with; rare ones are made when they occur.
func codes(handler, method string) []int {
	switch {
	case handler == server.HandlerNone:
		return []int{http.StatusNotFound}
	case method == "other":
		return []int{http.StatusMethodNotAllowed}
	}
	return []int{
		http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
}

// table holds the children of one configuration, looked up once. It is immutable.
type table struct {
	registries  map[string]*registryTable
	directories map[string]*directoryTable
	algorithms  []string
}

// registryTable holds the children of one service.
type registryTable struct {
	requests  map[requestKey]prometheus.Counter
	durations map[authority.GrantType]prometheus.Observer
	decisions map[decisionKey]prometheus.Counter
	sizes     prometheus.Observer

	refreshIssued prometheus.Counter
	refreshUses   map[string]prometheus.Counter
}

type requestKey struct {
	grant  authority.GrantType
	result server.Result
}

type decisionKey struct {
	action  string
	granted bool
	reason  policy.Reason
}

// directoryTable holds the children of one directory.
type directoryTable struct {
	logins    map[identity.Reason]prometheus.Counter
	duration  prometheus.Observer
	caches    map[pair]prometheus.Counter
	evicted   map[string]prometheus.Counter
	coalesced map[string]prometheus.Counter
	believed  map[string]prometheus.Counter
	changes   map[string]prometheus.Counter
	watches   prometheus.Gauge
	ambiguous prometheus.Counter
	refusals  prometheus.Counter
	servers   map[string]*serverTable
}

// pair is two labels.
type pair struct{ a, b string }

// serverTable holds the children of one server of a directory.
type serverTable struct {
	operations  map[pair]prometheus.Counter
	durations   map[string]prometheus.Observer
	connections map[string]prometheus.Gauge
	waits       map[string]prometheus.Observer
	breaker     prometheus.Gauge
}

// newTable makes or finds the children of what is configured. Requests for unknown services are counted too.
func newTable(f *families, s Subjects) *table {
	t := &table{registries: make(map[string]*registryTable), directories: make(map[string]*directoryTable), algorithms: s.Algorithms}
	for _, name := range append(slices.Clone(s.Registries), server.UnknownService) {
		t.registries[name] = newRegistryTable(f, name)
	}
	for _, d := range s.Directories {
		t.directories[d.Name] = newDirectoryTable(f, d)
	}
	for _, a := range s.Algorithms {
		f.signingKeyErrors.WithLabelValues(a)
	}
	for _, d := range s.Directories {
		f.policyVanished.WithLabelValues(d.Name)
		f.policyMoved.WithLabelValues(d.Name)
	}
	for _, handler := range handlers() {
		for _, method := range methods() {
			f.httpDuration.WithLabelValues(handler, method)
			for _, status := range codes(handler, method) {
				f.httpRequests.WithLabelValues(handler, method, code(status))
			}
		}
	}
	return t
}

func newRegistryTable(f *families, name string) *registryTable {
	t := &registryTable{
		requests:  make(map[requestKey]prometheus.Counter),
		durations: make(map[authority.GrantType]prometheus.Observer),
		decisions: make(map[decisionKey]prometheus.Counter),
	}
	for _, grant := range authority.GrantTypes() {
		t.durations[grant] = f.tokenDuration.WithLabelValues(name, string(grant))
		for _, result := range server.Results() {
			t.requests[requestKey{grant, result}] = f.tokenRequests.WithLabelValues(name, string(grant), string(result))
		}
	}
	if name == server.UnknownService {
		return t // nothing is decided about it
	}
	t.sizes = f.tokenSize.WithLabelValues(name)
	t.refreshIssued, t.refreshUses = f.refreshIssued.WithLabelValues(name), make(map[string]prometheus.Counter)
	for _, result := range refresh.Results() {
		t.refreshUses[result] = f.refreshUses.WithLabelValues(name, result)
	}
	for _, action := range authority.Actions() {
		for _, reason := range policy.Reasons() {
			granted, word := reason == policy.ReasonRule, "refused"
			if granted {
				word = "granted"
			}
			t.decisions[decisionKey{action, granted, reason}] = f.scopeDecisions.WithLabelValues(name, actionName(action), word, string(reason))
		}
	}
	return t
}

// actionName is the label of an action: the star of a token is the catalog.
func actionName(action string) string {
	if action == "*" {
		return "catalog"
	}
	return action
}

func newDirectoryTable(f *families, d Directory) *directoryTable {
	t := &directoryTable{
		logins:    make(map[identity.Reason]prometheus.Counter),
		duration:  f.loginDuration.WithLabelValues(d.Name),
		caches:    make(map[pair]prometheus.Counter),
		evicted:   make(map[string]prometheus.Counter),
		coalesced: make(map[string]prometheus.Counter),
		believed:  make(map[string]prometheus.Counter),
		changes:   make(map[string]prometheus.Counter),
		watches:   f.watches.WithLabelValues(d.Name),
		ambiguous: f.ldapAmbiguous.WithLabelValues(d.Name),
		refusals:  f.budgetRefusals.WithLabelValues(d.Name),
		servers:   make(map[string]*serverTable),
	}
	for _, reason := range refresh.Ending() {
		f.refreshEnded.WithLabelValues(d.Name, string(reason))
	}
	for _, reason := range identity.Reasons() {
		t.logins[reason] = f.logins.WithLabelValues(d.Name, string(reason))
	}
	for _, cache := range caches() {
		t.evicted[cache] = f.cacheEvicted.WithLabelValues(d.Name, cache)
		for _, result := range cacheResults() {
			t.caches[pair{cache, result}] = f.cacheRequests.WithLabelValues(d.Name, cache, result)
		}
	}
	for _, kind := range kinds() {
		t.coalesced[kind] = f.coalesced.WithLabelValues(d.Name, kind)
	}
	for _, why := range []string{directory.BelievedRecent, directory.BelievedOutage} {
		t.believed[why] = f.believed.WithLabelValues(d.Name, why)
	}
	for _, kind := range []string{directory.ChangedAccount, directory.ChangedGroups} {
		t.changes[kind] = f.changes.WithLabelValues(d.Name, kind)
	}
	for _, s := range d.Servers {
		t.servers[s] = newServerTable(f, d.Name, s)
	}
	return t
}

func newServerTable(f *families, directory, server string) *serverTable {
	t := &serverTable{
		operations:  make(map[pair]prometheus.Counter),
		durations:   make(map[string]prometheus.Observer),
		connections: make(map[string]prometheus.Gauge),
		waits:       make(map[string]prometheus.Observer),
		breaker:     f.ldapBreaker.WithLabelValues(directory, server),
	}
	for _, op := range operations() {
		t.durations[op] = f.ldapDuration.WithLabelValues(directory, server, op)
		for _, result := range ldapResults() {
			t.operations[pair{op, result}] = f.ldapOperations.WithLabelValues(directory, server, op, result)
		}
	}
	for _, pool := range pools() {
		t.connections[pool] = f.ldapConnections.WithLabelValues(directory, server, pool)
		t.waits[pool] = f.ldapWait.WithLabelValues(directory, server, pool)
	}
	return t
}

// removeMissing deletes the series of everything in t that is not in next.
func (t *table) removeMissing(f *families, next *table) {
	for name := range t.registries {
		if next.registries[name] == nil {
			f.remove(prometheus.Labels{"registry": name})
		}
	}
	for name, d := range t.directories {
		now := next.directories[name]
		if now == nil {
			f.remove(prometheus.Labels{"directory": name})
			continue
		}
		for server := range d.servers {
			if now.servers[server] == nil {
				f.remove(prometheus.Labels{"directory": name, "server": server})
			}
		}
	}
	for _, a := range t.algorithms {
		if !slices.Contains(next.algorithms, a) {
			f.remove(prometheus.Labels{"algorithm": a})
		}
	}
}

// remove deletes every series with these labels.
func (f *families) remove(labels prometheus.Labels) {
	for _, c := range f.collectors() {
		if vec, ok := c.(interface {
			DeletePartialMatch(labels prometheus.Labels) int
		}); ok {
			vec.DeletePartialMatch(labels)
		}
	}
}
