// Package distribution runs real registries of the CNCF distribution project behind token authentication: the
// second generation as Debian's docker-registry program, the third in process.
package distribution
