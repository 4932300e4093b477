// Command gotest runs go test in one module and does not let a skip go unseen: it prints what failed and one
// line a package, appends every skipped test with its reason to a file, and ends with a count.
//
//	gotest -C integration -skips bin/skipped.txt -race ./...
//
// Flags of its own come first; everything else goes to go test. With CI=true in the environment it also
// prints one line for each test that passed, and a skip is a failure, but one whose reason holds the text of -may-skip.
package main
