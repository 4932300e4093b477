// Package clients tries the gate with the programs that people use: logging in, pushing, pulling, mounting, listing and
// deleting on registries of both generations, and what each program shows when it is refused. What they did and said is
// docs/reference/clients.md, which go test ./clients -update writes.
//
// Clients that are not run are imitated request by request.
package clients
