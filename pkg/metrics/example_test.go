package metrics_test

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/metrics"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// A package that is observed gets its Observer; what it tells shows in the registry.
func ExampleNew() {
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry, metrics.Options{Subjects: metrics.Subjects{Registries: []string{"registry.corp.example"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m.ServerObserver().Finished(server.Finished{
		Handler: server.HandlerToken, Method: "GET", Code: 200, Duration: 3 * time.Millisecond,
		Service: "registry.corp.example", Grant: authority.GrantBasic, Result: server.ResultGranted,
	})
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if f.GetName() != "wharfgate_token_requests_total" {
			continue
		}
		for _, series := range f.GetMetric() {
			if series.GetCounter().GetValue() > 0 {
				fmt.Println(f.GetName(), series.GetCounter().GetValue())
			}
		}
	}
	// Output: wharfgate_token_requests_total 1
}
