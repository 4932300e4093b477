package policymix_test

import (
	"bytes"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/integration/internal/policymix"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

func BenchmarkLoad(b *testing.B) {
	data := policymix.Document(100_000)
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l, _ := yaml.NewLoader(bytes.NewReader(data))
			var n yaml.Node
			if err := l.Load(&n); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := policyfile.Parse("p.yaml", data, policymix.Options()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
