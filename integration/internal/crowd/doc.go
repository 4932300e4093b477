// Package crowd is clients that ask a gate for tokens without a pause, while a test does something to it. Each answer is
// judged: a token or status 503, in time.
package crowd
