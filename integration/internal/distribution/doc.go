// Package distribution runs real registries of the CNCF distribution project behind token authentication: the second
// generation as Debian's docker-registry program, 3.0 as a program of a pinned version, and 3.1 in process.
package distribution
