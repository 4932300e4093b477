// Package policyfile is the YAML language of the access policy: it reads a document into a [policy.Policy],
// points at every fault with file, line, column and a remedy, and keeps a [policy.Live] in step with a file.
//
// A document is accepted as a whole or not at all. What a reader could overlook is refused: unknown and
// duplicate keys, anchors, aliases, tags, several documents. The language is described in
// docs/reference/policy.md.
//
// A group that a cannot names, or that a can excepts, is held by the directory's id, which [Options].FindGroup
// finds. A group that the directory does not know is a fault; a directory that does not answer is none, and
// every person of that directory then counts as a member until the id is known.
//
// The tests of a document run whenever it is read, and one that fails is a fault. They do not ask the
// directory. [Check] also gives warnings, which block nothing; [Schema] is for editors.
package policyfile
