// Package engine runs the daemons that some registry clients work through: containerd, and Docker's engine on top of
// it. Each has data and a socket of its own, and neither touches the network's settings: no bridge, no rules.
package engine
