// Package policyedit changes a policy file the way a careful person would: it adds a rule in the file's own
// style, or takes one out with its comment, and touches nothing else.
//
// [Allow] and [Remove] work on the text. Each proves its result: read as YAML, it is the old document with that
// one rule more or less. What cannot be done in this way is [ErrByHand], and the file stays as it is.
//
// [Open] and [File.Write] replace a file as a whole. A writer that meets a file which changed since it was read gets
// [ErrChanged], so two editors never lose each other's work; the version before stays beside it.
//
// The package knows YAML, not the policy language: what it writes must be read with policyfile before it
// is put in force.
package policyedit
