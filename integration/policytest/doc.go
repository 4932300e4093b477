// Package policytest holds the validator of the access policy and its JSON Schema against each other.
package policytest
