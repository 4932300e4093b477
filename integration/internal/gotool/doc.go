// Package gotool builds pinned Go programs that tests run: the tools of a module's go.mod.
package gotool
