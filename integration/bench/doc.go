// Package bench measures the gate's speed and memory on one machine: against one real slapd, under wrk's load,
// beside the parts that the gate is made of. Method and figures are in docs/reference/performance.md.
//
// Everything is measured in one run, in short rounds that take turns, because the machine may be shared: what
// counts are ratios of medians. Only [testing.B] measures time; the tests hold what does not depend on the
// machine, such as allocations.
package bench
