// Package policyimport turns the access rules of docker_auth and of zot into a policy.
//
// Both have an order: the first rule that matches decides, or the longest pattern. A policy has none. What means
// the same in any order is converted; what does not is left in the policy as a comment that says why, and
// gives nothing. So the policy never gives what the old rules did not, as far as they can be read.
//
// A small copy of the old engine answers sampled questions. Where the policy agrees, the answer becomes one of its
// tests; where it does not, a comment shows the difference. What comes out is always a policy that can be read.
package policyimport
