// Package repository finds the files of this repository from wherever a test runs.
package repository
