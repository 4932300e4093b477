// Package operator is the listener for those who run the gate: metrics for Prometheus, and whether the process
// is alive and ready. It is read-only and shows no secret and no account, and it belongs on an address that
// only operators reach.
package operator
