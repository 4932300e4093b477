package repository_test

import (
	"os"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

func TestPathIsFoundFromBelow(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(repository.Path(t, "integration", "internal", "repository", "repository_test.go")); err != nil {
		t.Error(err)
	}
}
