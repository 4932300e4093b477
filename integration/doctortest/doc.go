// Package doctortest runs wharfgate doctor against real gates and real registries of both generations, with each fault
// that it knows really made, and registries that were set up for other token servers.
package doctortest
