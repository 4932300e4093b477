package lifetime_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
)

// outlived is a folder that the first test made, and the end of the binary removes.
var outlived string

func TestMain(m *testing.M) {
	code := lifetime.Run(m, 1)
	if _, err := os.Stat(outlived); !os.IsNotExist(err) || !cleaned {
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // the end of the binary is what is tested
}

var cleaned bool

func TestOwnerOutlivesTheTest(t *testing.T) { //nolint:paralleltest // the tests share variables
	t.Run("first", func(t *testing.T) {
		lifetime.During(t, func(all testing.TB) {
			outlived = all.TempDir()
			all.Cleanup(func() { cleaned = all.Context().Err() == nil && !all.Failed() })
		})
	})
	if err := os.WriteFile(filepath.Join(outlived, "file"), nil, 0o600); err != nil || cleaned {
		t.Errorf("write into the owner's folder after the test: %v; cleaned up = %v, want not yet", err, cleaned)
	}
}
