// Package audit keeps the record of decisions: one versioned JSON document a decision, one a line, apart
// from the log.
//
// A [Writer] buffers and never blocks a request for more than a bound; what it had to drop is counted.
// Nothing in a record is secret.
package audit
