// Package integration tests Wharfgate on real parts: OpenLDAP, registries of both generations, skopeo, crane,
// docker, Prometheus. What runs on what is in README.md.
//
// It is a module of its own, so that heavy test libraries never enter the product's go.mod.
package integration
