package bench_test

import (
	"runtime/metrics"
	"testing"
)

// stops reads how often the garbage collector stopped the world for how long.
func stops(t testing.TB) *metrics.Float64Histogram {
	t.Helper()
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		t.Fatal("this Go does not tell the collector's pauses")
	}
	return sample[0].Value.Float64Histogram()
}

// longestStop gives the longest stop since another look, in ms, rounded up to the next bound of the histogram.
func longestStop(t testing.TB, before *metrics.Float64Histogram) float64 {
	t.Helper()
	now := stops(t)
	longest := 0.0
	for i, n := range now.Counts {
		if n > before.Counts[i] {
			longest = now.Buckets[min(i+1, len(now.Buckets)-2)]
		}
	}
	return longest * 1e3
}
