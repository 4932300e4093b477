// Package policyplan tells what a change of the access policy changes: who gains and who loses what, by group
// and by path.
//
// [Plan] compares classes and not people with repositories: each kind of subject that a rule names (anyone,
// signed-in, a group, every group of a template, a user, a robot) with each pattern. It never misses
// anything: where two policies decide differently for anybody anywhere, one of the changes says so. A change
// that it cannot prove to be without effect is listed, so it may list one that nobody notices.
//
// [Replay] decides the requests of an audit record again, as far as the record tells who asked.
//
// The package reads two compiled policies. It asks no directory and knows no people.
package policyplan
