package backend_test

import (
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// BenchmarkColdLogin is a login of a user in 300 groups of whom and of whose groups nothing is remembered, on open
// connections. It must stay below half a second.
func BenchmarkColdLogin(b *testing.B) {
	s := samba.Shared(b)
	slowest, all := time.Duration(0), time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		backend := start(b, windows(b, s, nil))
		eventuallyByID(b, backend, "bob", s.Password)
		b.StartTimer()
		began := time.Now()
		_, a, err := login(b.Context(), backend, "wanda", s.Password)
		took := time.Since(began)
		if err != nil || len(a.Groups) < 300 {
			b.Fatalf("%d groups, %v", len(a.Groups), err)
		}
		slowest, all = max(slowest, took), all+took
	}
	b.ReportMetric(float64(slowest.Milliseconds()), "slowest-ms")
	const most = 500 * time.Millisecond
	if mean := all / time.Duration(b.N); mean > most {
		b.Errorf("a cold login takes %v, want at most %v", mean, most)
	}
}

// BenchmarkWarmLogin is a login of the same user who was here before: one bind.
func BenchmarkWarmLogin(b *testing.B) {
	s := samba.Shared(b)
	backend := start(b, windows(b, s, nil))
	eventuallyByID(b, backend, "bob", s.Password)
	cached, err := directory.NewCached(directory.CachedOptions{Backend: backend, Source: "corp", TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	auth, err := directory.New(directory.Options{Backend: cached, Source: "corp"})
	if err != nil {
		b.Fatal(err)
	}
	credentials := identity.Credentials{Username: "wanda", Password: identity.NewSecret(s.Password)}
	for b.Loop() {
		if p, err := auth.Authenticate(b.Context(), credentials); err != nil || len(p.Groups) < 300 {
			b.Fatalf("%d groups, %v", len(p.Groups), err)
		}
	}
}
