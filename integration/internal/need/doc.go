// Package need says which outside tools a test needs.
//
// Where one is missing the test is skipped with its reason, which the test runner of tools/gotest puts into the
// summary at the end of a run; with CI=true a missing tool fails the test instead.
package need
