// Package metrics holds the Prometheus collectors of the gate, and turns them into the Observers that the other
// packages call.
//
// Every name starts with wharfgate_. Labels come from closed sets: configured registries, directories and
// servers, and the words of the observed packages; never a user, a repository or a client's address. Counters
// exist from the start for every combination of their labels, so that a rate is right from the first event on.
// The children are looked up once, when the configuration is read: an event costs map lookups and no memory.
//
// [New] registers the collectors; the methods of [Metrics] give the Observers. A reload that changes registries
// or directories is told by [Metrics.Reconfigure]. docs/reference/metrics.md lists every metric.
package metrics
