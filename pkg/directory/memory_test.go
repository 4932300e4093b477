package directory_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// company is a Backend with as many people as are asked for, each in 50 of 5,000 groups. It shares the values of groups,
// as the LDAP one does.
type company struct {
	instant

	groups []identity.Group
}

func newCompany() *company {
	const groups = 5000
	c := &company{instant: instant{time.Now()}}
	for i := range groups {
		n := strconv.Itoa(i)
		c.groups = append(c.groups, identity.NewGroup("S-1-5-21-1111111111-2222222222-"+n, "CN=group-"+n+",OU=Groups,DC=corp,DC=example", "group-"+n))
	}
	return c
}

func (c *company) Find(_ context.Context, login string, _ time.Duration) (directory.Entry, error) {
	return directory.Entry{
		ID: fmt.Sprintf("%08s-0b0c-4b2b-9d3e-0e7d3c1f2a11", login[1:]), DN: "CN=" + login + ",OU=People,DC=corp,DC=example", Name: string([]byte(login)),
		PasswordChanged: c.at, ReadAt: c.at, Lockout: directory.EntryLockout{Seen: guard.Seen{Last: c.at}},
	}, nil
}

func (c *company) Account(_ context.Context, e directory.Entry, _ directory.Proof, _ time.Duration) (directory.Account, error) {
	const each = 50
	first, _ := strconv.Atoi(e.Name[1:])
	a := directory.Account{PasswordChanged: c.at, ReadAt: c.at, Groups: make([]identity.Group, 0, each)}
	for i := range each {
		a.Groups = append(a.Groups, c.groups[(first+i*97)%len(c.groups)])
	}
	return a, nil
}

// heap is how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// remembered fills a memory with logged-in people, and gives the bytes for each.
func remembered(tb testing.TB, people int) float64 {
	tb.Helper()
	backend := newCompany()
	before := heap()
	cached, err := directory.NewCached(directory.CachedOptions{Backend: backend, Source: "corp", TTL: time.Hour, Size: people})
	if err != nil {
		tb.Fatal(err)
	}
	auth, err := directory.New(directory.Options{Backend: cached, Source: "corp"})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range people {
		c := identity.Credentials{Username: "u" + strconv.Itoa(i), Password: identity.NewSecret("pw" + strconv.Itoa(i))}
		if _, err := auth.Authenticate(tb.Context(), c); err != nil {
			tb.Fatal(err)
		}
	}
	used := heap() - before
	runtime.KeepAlive(auth)
	runtime.KeepAlive(cached)
	runtime.KeepAlive(backend)
	return float64(used) / float64(people)
}

// BenchmarkRememberedUser says how much memory a user in 50 groups takes: entry, groups and proven password.
func BenchmarkRememberedUser(b *testing.B) {
	const people = 100_000
	perUser := 0.0
	for b.Loop() {
		perUser = remembered(b, people)
	}
	b.ReportMetric(perUser, "B/user")
	b.ReportMetric(perUser*people/1e6, "MB/100k")
}

// TestRememberedUserIsSmall: 100,000 people in 50 groups each are to take less than 250 MB. What other tests allocate
// meanwhile is far less than the difference.
func TestRememberedUserIsSmall(t *testing.T) {
	t.Parallel()
	const people, most = 20_000, 2_500
	if got := remembered(t, people); got > most {
		t.Errorf("a remembered user takes %.0f bytes, want at most %d", got, most)
	}
}
