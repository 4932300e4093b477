// Package names remembers which account of a directory had a login name, so that somebody is told when a name that
// the policy follows belongs to another account: after Eve has left, a new Eve may get what the rules say about
// user:eve, and the folder that <user> named.
//
// A [Memory] is fed by [Memory.Note], which neither waits nor writes; [Memory.Run] keeps a file with one line of JSON a
// change, to which it appends, and which it now and then writes anew beside itself and renames. A line that was cut off
// by a crash is dropped. What was accepted by an operator stands in a second file, which only [Accept] writes.
//
// It decides nothing: a name that has moved on is told, and the policy goes on as it is written.
package names
