// Package registry is the vocabulary of the registry token protocol: scopes and their grammar, actions,
// access entries as tokens carry them, and the profile of each registry service.
//
// Requested names are data, never patterns. What is not understood grants nothing and fails nothing: one
// malformed scope beside good ones is dropped and reported, as the specification wants
// (https://distribution.github.io/distribution/spec/auth/scope/).
package registry
