package directory_test

import (
	"context"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// instant is a Backend that answers at once and allocates nothing itself.
type instant struct{ at time.Time }

func (b instant) Find(context.Context, string, time.Duration) (directory.Entry, error) {
	return directory.Entry{ID: "id", DN: "uid=alice,dc=example,dc=org", Name: "alice", ReadAt: b.at}, nil
}

func (b instant) FindID(ctx context.Context, id string, maxAge time.Duration) (directory.Entry, error) {
	return b.Find(ctx, id, maxAge)
}

func (b instant) Prove(context.Context, directory.Entry, identity.Secret, guard.Attempts) (directory.Proof, error) {
	return directory.Proof{Server: "instant", At: b.at}, nil
}

func (b instant) Account(context.Context, directory.Entry, directory.Proof, time.Duration) (directory.Account, error) {
	return directory.Account{ReadAt: b.at}, nil
}

// BenchmarkWarmLogin is what the login flow costs by itself when only the bind is asked.
func BenchmarkWarmLogin(b *testing.B) {
	cached, err := directory.NewCached(directory.CachedOptions{Backend: instant{time.Now()}, Source: "corp", TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	auth, err := directory.New(directory.Options{Backend: cached, Source: "corp"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	c := identity.Credentials{Username: "alice", Password: identity.NewSecret("correct horse battery staple")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := auth.Authenticate(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
}
