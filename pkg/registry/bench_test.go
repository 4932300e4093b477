package registry_test

import (
	"testing"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

func BenchmarkParseScopes(b *testing.B) {
	values := []string{"repository:team/app:pull,push", "repository:base/images/go:pull"}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := registry.ParseScopes(values, 0); err != nil {
			b.Fatal(err)
		}
	}
}
