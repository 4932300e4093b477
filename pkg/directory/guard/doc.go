// Package guard keeps us from harming accounts, and strangers from using that to keep anybody out.
//
//   - [WrongPasswords] remembers by keyed hash what a directory has refused, so that each wrong password is sent once.
//   - [Lockout] is how a directory locks accounts, and [Limits] make of it what we allow ourselves.
//   - [Budget] limits the failed binds of an account, below the directory's own threshold. A slot is reserved with a
//     [Counter] before the bytes of a bind leave, and settled with what became of it; [Memory] is the Counter of one
//     process. A bind whose outcome is unknown keeps its slot, because a paused server may still count it.
//   - [Admissions] remembers by keyed hash the password that a bind proved last. It passes all that follows and the
//     Budget, and is still bound.
//   - [Addresses] limits the failures of a client address, [Share] the connections that unproven passwords may use.
//   - [Strangers] treats names without an account like names with one.
//
// It knows no directory and sends nothing. Nothing here holds a password, and everything is bounded.
package guard
