// Package policy decides what a principal may do in a repository.
//
// A [Policy] is a flat, unordered list of sentences, each with who, can or cannot, and repos. Granted is
// what was asked for, intersected with the union of every can that applies, minus the union of every cannot
// that applies. A rule applies to a principal, a repository, a registry, a client address and a time; what is
// not known of these opens nothing. It is compiled once and immutable; [Live] swaps one for another atomically. The YAML
// language is in policyfile.
//
// Every decision names the rules that made it; a refusal names the nearest miss.
package policy
