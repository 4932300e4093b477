// Package token makes the bearer tokens that registries trust
// (https://distribution.github.io/distribution/spec/auth/jwt/).
//
// Tokens are signed by a short-lived leaf certificate, sent in the x5c header, under a private CA that signs
// nothing else: path length 0, certificate signing only, an extended key usage of its own, and a name
// constraint that no host can meet. A registry holds the CA in its rootcertbundle, so leaves rotate without
// any change there.
package token
