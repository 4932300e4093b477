//go:build !linux

package proc

import "os/exec"

// spawn starts a command. Only Linux can tie its life to ours.
func spawn(cmd *exec.Cmd) error { return cmd.Start() }
