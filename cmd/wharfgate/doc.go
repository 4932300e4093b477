// Command wharfgate is the token server between a company's directory and its container registry.
//
//	wharfgate serve -c wharfgate.yaml
//
// Each command has a file of its own: it reads its arguments, asks pkg/gate, and writes what a person reads. What
// the gate knows and does is in pkg; here are only words, signals and exit codes: 0 is yes, 1 is no or a fault, 2
// is a wrong use. Logs and faults go to standard error, answers to standard output.
//
// There is no setting in the environment: a configuration is one file.
package main
