// Package client asks for tokens and images as people and machines do: with the real skopeo, crane and docker
// programs, each with a home of its own, and by plain token requests.
package client
