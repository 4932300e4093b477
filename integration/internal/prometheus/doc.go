// Package prometheus runs a real Prometheus server against one target.
package prometheus
