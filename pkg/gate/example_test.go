package gate_test

import (
	"context"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

func ExampleCheck() {
	cfg, err := config.Parse("wharfgate.yaml", []byte("listen\n"))
	for _, f := range gate.Check(context.Background(), cfg, err, gate.Offline) {
		fmt.Printf("%s %s: %s\n", f.Severity, f.Where, f.Text)
	}
	// Output:
	// fault configuration: wharfgate.yaml:1:1: is not a mapping of keys to values; start from the example configuration
}
