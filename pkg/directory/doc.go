// Package directory turns a user name and a password into a [identity.Principal] with the help of one LDAP
// or Active Directory server set.
//
// [Backend] is what one directory can do: find an entry, prove a password by one bind, read an account.
// [Cached] is a Backend around a Backend that remembers entries and accounts. [Authenticator] is the login
// flow, written once for every directory:
//
//	find -> wrong-password memory -> admission memory -> limits -> bind -> account
//
// Invariants: an empty name or password never reaches a Backend; everything remembered is keyed by the
// directory and the entry's own id, and what was typed only leads there; a bind proves the account that has
// the DN now, so a password that is new for a remembered entry is sent only after the entry was read again, and not
// if that bind could be the one that locks the account ([LockoutReader]); the same wrong password of one account is
// bound once in its lifetime; identical logins in flight share one bind, and one caller's cancel does not fail the
// others; a proven password stands for a bind only where that is switched on, and never against a no; "could not
// read" is [identity.ErrUnavailable], never "no groups".
package directory
