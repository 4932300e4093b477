package gate

import (
	"fmt"
	"os"
)

// stateDir looks who can write in the state directory. Whoever can puts other files into the place of those that are
// there: the bundle for the registries, the store of refresh tokens, the control socket.
func (c *checker) stateDir() {
	const writable = 0o022
	path := c.cfg.StateDir
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&writable != 0 {
		c.add(Warning, "state_dir", fmt.Sprintf("others can write in %s (mode %04o), and so replace what is in it; run: chmod 700 %s", path, info.Mode().Perm(), path))
	}
}
