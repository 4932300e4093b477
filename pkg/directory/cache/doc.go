// Package cache holds the two things that keep questions away from a directory: [Cache], a bounded memory
// whose values know their own age, and [Flight], which lets identical questions share one answer.
//
// A Cache is a plain least-recently-used memory. Expiry stands in the value and is judged when the value is
// read, so there is no goroutine to stop; lives are spread by a jitter, so that what was loaded together is
// not asked for again in the same second.
//
// A Flight runs each question under a context of its own. A caller whose context ends leaves and harms nobody
// else; a question that panics becomes an error for everybody who waits.
//
// Neither knows what it holds. Who puts a secret into a key or a value has to hash it first.
package cache
