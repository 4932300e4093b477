package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// families are the metrics by name, each with its labels.
type families struct {
	buildInfo *prometheus.GaugeVec

	tokenRequests  *prometheus.CounterVec
	tokenDuration  *prometheus.HistogramVec
	tokenSize      *prometheus.HistogramVec
	scopeDecisions *prometheus.CounterVec

	httpRequests *prometheus.CounterVec
	httpDuration *prometheus.HistogramVec
	httpInFlight prometheus.Gauge
	httpQueue    prometheus.Histogram

	logins         *prometheus.CounterVec
	loginDuration  *prometheus.HistogramVec
	cacheRequests  *prometheus.CounterVec
	cacheEvicted   *prometheus.CounterVec
	coalesced      *prometheus.CounterVec
	believed       *prometheus.CounterVec
	changes        *prometheus.CounterVec
	watches        *prometheus.GaugeVec
	budgetRefusals *prometheus.CounterVec

	ldapOperations  *prometheus.CounterVec
	ldapDuration    *prometheus.HistogramVec
	ldapConnections *prometheus.GaugeVec
	ldapWait        *prometheus.HistogramVec
	ldapUp          *prometheus.GaugeVec
	ldapBreaker     *prometheus.GaugeVec
	ldapCertificate *prometheus.GaugeVec
	ldapAmbiguous   *prometheus.CounterVec

	policyInfo       *prometheus.GaugeVec
	policyRules      prometheus.Gauge
	policyReload     prometheus.Gauge
	policyReloadTime prometheus.Gauge
	policyUnresolved prometheus.Gauge
	policyVanished   *prometheus.CounterVec
	policyMoved      *prometheus.GaugeVec

	signingKey       *prometheus.GaugeVec
	signingKeyErrors *prometheus.CounterVec
	signingCA        prometheus.Gauge
	signingRing      *prometheus.GaugeVec
	signingRingEnd   *prometheus.GaugeVec
	signingReload    prometheus.Counter

	refreshIssued      *prometheus.CounterVec
	refreshUses        *prometheus.CounterVec
	refreshEnded       *prometheus.CounterVec
	refreshStoreErrors prometheus.Counter

	auditDropped prometheus.Counter
	auditErrors  prometheus.Counter

	configReload     prometheus.Gauge
	configReloadTime prometheus.Gauge
	tlsCertificate   prometheus.Gauge
	tlsReload        prometheus.Gauge
}

// newFamilies makes the metrics. docs/reference/metrics.md says more about each.
func newFamilies() *families {
	f := &families{
		buildInfo: gauges("wharfgate_build_info", "What is running; always 1.", "version", "revision", "goversion"),

		tokenRequests:  counters("wharfgate_token_requests_total", "Token requests by what came of them.", "registry", "grant", "result"),
		tokenDuration:  histograms("wharfgate_token_request_duration_seconds", "Time from a token request to its answer.", "registry", "grant"),
		tokenSize:      sizeHistograms("wharfgate_token_size_bytes", "Size of the tokens that were issued.", "registry"),
		scopeDecisions: counters("wharfgate_scope_decisions_total", "Actions that were asked for, by what the policy said.", "registry", "action", "decision", "reason"),

		httpRequests: counters("wharfgate_http_requests_total", "Requests to the public listener.", "handler", "method", "code"),
		httpDuration: histograms("wharfgate_http_request_duration_seconds", "Time from a request to its answer.", "handler", "method"),
		httpInFlight: gauge("wharfgate_http_requests_in_flight", "Requests to the public listener that are being answered."),
		httpQueue:    histogram("wharfgate_http_queue_wait_seconds", "Time that token requests waited for their turn, of those that had to."),

		policyInfo:       gauges("wharfgate_policy_info", "The policy in force; always 1.", "revision"),
		policyRules:      gauge("wharfgate_policy_rules", "Rules of the policy in force."),
		policyReload:     gauge("wharfgate_policy_last_reload_successful", "Whether the last read of the policy was successful."),
		policyReloadTime: gauge("wharfgate_policy_last_reload_success_timestamp_seconds", "When the policy was last read successfully."),
		policyUnresolved: gauge("wharfgate_policy_unresolved_groups", "Groups named in a cannot whose id is not known yet: the cannot holds everybody of their directory."),
		policyVanished:   counters("wharfgate_policy_vanished_groups_total", "Groups named in a cannot that are gone from their directory.", "directory"),
		policyMoved:      gauges("wharfgate_policy_moved_names", "Login names that the policy follows and that belong to another account than before.", "directory"),

		signingKey:       gauges("wharfgate_signing_key_not_after_timestamp_seconds", "When the certificate of a signing key ends.", "algorithm", "state"),
		signingKeyErrors: counters("wharfgate_signing_key_renewal_errors_total", "Failed renewals of a signing key.", "algorithm"),
		signingCA:        gauge("wharfgate_signing_ca_not_after_timestamp_seconds", "When the signing CA ends."),
		signingRing:      gauges("wharfgate_signing_named_keys", "Signing keys of a name, by their state.", "keys", "state"),
		signingRingEnd:   gauges("wharfgate_signing_named_key_not_after_timestamp_seconds", "When the certificate of the key that signs ends.", "keys"),
		signingReload:    counter("wharfgate_signing_reload_errors_total", "Changed files of signing keys or the signing CA that could not be taken."),

		refreshIssued:      counters("wharfgate_refresh_tokens_issued_total", "Refresh tokens that were given.", "registry"),
		refreshUses:        counters("wharfgate_refresh_token_uses_total", "Uses of refresh tokens by what came of them.", "registry", "result"),
		refreshEnded:       counters("wharfgate_refresh_tokens_ended_total", "Accounts whose refresh tokens ended because of what their directory says.", "directory", "reason"),
		refreshStoreErrors: counter("wharfgate_refresh_store_errors_total", "Failed reads and writes of keys, revocations and last uses of refresh tokens."),

		auditDropped: counter("wharfgate_audit_dropped_total", "Audit records that were dropped because the writer could not keep up."),
		auditErrors:  counter("wharfgate_audit_write_errors_total", "Failed writes of audit records."),

		configReload:     gauge("wharfgate_config_last_reload_successful", "Whether the last read of the configuration was successful."),
		configReloadTime: gauge("wharfgate_config_last_reload_success_timestamp_seconds", "When the configuration was last read successfully."),
		tlsCertificate:   gauge("wharfgate_tls_certificate_not_after_timestamp_seconds", "When the certificate of the public listener ends; 0 without TLS."),
		tlsReload:        gauge("wharfgate_tls_certificate_last_reload_successful", "Whether the last read of the certificate of the public listener was successful."),
	}
	f.directories()
	f.tlsReload.Set(1)
	return f
}

// directories makes the metrics about directories.
func (f *families) directories() {
	f.logins = counters("wharfgate_logins_total", "Logins by their outcome.", "directory", "result")
	f.loginDuration = histograms("wharfgate_login_duration_seconds", "Time from credentials to an account with its groups.", "directory")
	f.cacheRequests = counters("wharfgate_cache_requests_total", "Questions to a memory.", "directory", "cache", "result")
	f.cacheEvicted = counters("wharfgate_cache_evictions_total", "Entries that left a full memory before their time.", "directory", "cache")
	f.coalesced = counters("wharfgate_coalesced_requests_total", "Questions that shared the answer to an identical one.", "directory", "kind")
	f.budgetRefusals = counters("wharfgate_login_budget_refusals_total", "Passwords that were not sent because too many binds of the account have failed.", "directory")
	f.believed = counters("wharfgate_logins_without_bind_total", "Logins with a password that a bind had proven before, and that was not bound again.", "directory", "why")
	f.changes = counters("wharfgate_directory_changes_total", "Changes that the directory told.", "directory", "kind")
	f.watches = gauges("wharfgate_directory_watch_up", "Whether the directory tells of its changes: 1 while it does.", "directory")

	f.ldapOperations = counters("wharfgate_ldap_operations_total", "LDAP operations by their outcome.", "directory", "server", "op", "result")
	f.ldapDuration = histograms("wharfgate_ldap_operation_duration_seconds", "Time of LDAP operations.", "directory", "server", "op")
	f.ldapConnections = gauges("wharfgate_ldap_connections", "Open connections.", "directory", "server", "pool")
	f.ldapWait = histograms("wharfgate_ldap_wait_seconds", "Time that binds and searches waited for a connection.", "directory", "server", "pool")
	f.ldapUp = gauges("wharfgate_ldap_up", "Whether the server answered when it was last asked.", "directory", "server")
	f.ldapBreaker = gauges("wharfgate_ldap_breaker_open", "Whether the server is out of service while a probe looks for it.", "directory", "server")
	f.ldapCertificate = gauges("wharfgate_ldap_certificate_not_after_timestamp_seconds", "When the server's certificate ends.", "directory", "server")
	f.ldapAmbiguous = counters("wharfgate_ldap_ambiguous_groups_total", "Sightings of two groups of one name, so that neither matches in the policy.", "directory")
}

// collectors lists every family.
func (f *families) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		f.buildInfo,
		f.tokenRequests, f.tokenDuration, f.tokenSize, f.scopeDecisions,
		f.httpRequests, f.httpDuration, f.httpInFlight, f.httpQueue,
		f.logins, f.loginDuration, f.cacheRequests, f.cacheEvicted, f.coalesced, f.budgetRefusals, f.believed,
		f.changes, f.watches,
		f.ldapOperations, f.ldapDuration, f.ldapConnections, f.ldapWait, f.ldapUp, f.ldapBreaker, f.ldapCertificate, f.ldapAmbiguous,
		f.policyInfo, f.policyRules, f.policyReload, f.policyReloadTime, f.policyUnresolved, f.policyVanished, f.policyMoved,
		f.signingKey, f.signingKeyErrors, f.signingCA, f.signingRing, f.signingRingEnd, f.signingReload,
		f.refreshIssued, f.refreshUses, f.refreshEnded, f.refreshStoreErrors,
		f.auditDropped, f.auditErrors,
		f.configReload, f.configReloadTime, f.tlsCertificate, f.tlsReload,
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(histogramOpts(name, help))
}

func histograms(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(histogramOpts(name, help), labels)
}

// sizeHistograms has buckets up to where something refuses a token: proxies in front of registries beyond 7.5 KiB
// (nginx's limit of a header line, with room for its name), go-containerregistry beyond 31 KiB (its limit of an
// answer, which holds the token twice).
func sizeHistograms(name, help string, labels ...string) *prometheus.HistogramVec {
	o := histogramOpts(name, help)
	o.Buckets = []float64{512, 1024, 2048, 4096, 7680, 15872, 31744}
	return prometheus.NewHistogramVec(o, labels)
}

// histogramOpts has classic buckets for every Prometheus, and native ones for those that ask for them.
func histogramOpts(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets:                         prometheus.DefBuckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}
