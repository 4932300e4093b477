// Package docstest keeps the documentation true: its links lead somewhere, its command lines are run, its YAML is
// read by the gate's own parsers, its metrics exist, and the reference of the commands is what the binary prints.
package docstest
