package client

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

// Image writes an image of random layers as an OCI layout and returns its directory.
func Image(t testing.TB, layers int64) string {
	t.Helper()
	const bytes = 4096
	image, err := random.Image(bytes, layers)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := layout.Write(t.TempDir(), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.AppendImage(image); err != nil {
		t.Fatal(err)
	}
	return string(dir)
}
