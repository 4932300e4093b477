// Package guard keeps us from harming accounts: it remembers wrong passwords by keyed hash, so that each
// is sent to the directory once, and draws the seams through which failed binds are counted.
//
// A slot is reserved with a [Counter] before the bytes of a bind leave, and settled with what became of it.
// A bind whose outcome is unknown keeps its slot, because a paused server may still count it.
package guard
