// Package identity is the vocabulary of who asks: the credentials that came in, the principal that they
// prove, its groups, and the few ways in which that can fail.
//
// It holds no logic of any directory. A directory login, a robot, a workload identity are each an
// [Authenticator]; what they return is a [Principal] whose names are the directory's own, never the text
// that was typed.
//
// "No" is always an error: a caller that forgets to look at it holds a zero Principal, which is anonymous
// and has no groups.
package identity
