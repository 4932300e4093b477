package doctortest_test

import (
	"os"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
)

// TestMain runs the tests and then ends what they shared.
func TestMain(m *testing.M) {
	const atOnce = 6                 // most tests wait
	os.Exit(lifetime.Run(m, atOnce)) //nolint:forbidigo // a fault of the last cleanups has no test to fail
}
