package gotool_test

import (
	"os/exec"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gotool"
)

// TestToolsAreBuiltOneAtATime: whoever asks gets a program that starts, also while others ask.
func TestToolsAreBuiltOneAtATime(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			path := gotool.Build(t, "registry30", "integration", "internal", "distribution", "registry30")
			if out, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", path, err, out)
			}
		})
	}
	all.Wait()
}
