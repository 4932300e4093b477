package loopback_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// asChild in the environment makes this program ask for ports and print them.
const asChild = "LOOPBACK_TEST_CHILD"

// TestPortsOfTwoProcesses: what was given to one process is given to no other while it runs, also where nothing listens.
func TestPortsOfTwoProcesses(t *testing.T) {
	t.Parallel()
	const many = 500 // more than one block
	if os.Getenv(asChild) != "" {
		for range many {
			fmt.Fprintln(os.Stdout, "port", loopback.Ports(t, 1))
		}
		return
	}
	mine := map[string]bool{}
	for range many {
		mine[fmt.Sprint("port ", loopback.Ports(t, 1))] = true
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), asChild+"=yes")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("the other process: %v\n%s", err, out)
	}
	given := 0
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "port ") {
			given++
			if mine[line] {
				t.Errorf("%s was given to both", line)
			}
		}
	}
	if given != many || len(mine) != many {
		t.Errorf("%d and %d ports were given, want %d each", len(mine), given, many)
	}
}
