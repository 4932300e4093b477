// Package policymix makes large policies with the shapes of rules that companies write: mostly a group and its
// folder, and beside them distinguished names, ids, users, holes, globs, exceptions, networks, registries, dates
// and rules that take away. Benchmarks measure with them.
package policymix
