package activedirectory_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// TestLDAP68_KnownAndUnknownNamesTakeTheSameTime: a bind costs the domain seven times what a search does, and nobody can
// tell by that whether there is an account. The two take turns, so that other work of the machine meets both.
func TestLDAP68_KnownAndUnknownNamesTakeTheSameTime(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d)
	for i := range 10 { // so that the gate knows how long a bind takes
		g.Ask(t, "u0019", "warm up "+strconv.Itoa(i))
		g.MustGrant(t, "alice", d.Password)
	}
	const names, tries = 15, 4 // 60 of each kind, by which a fault of 10 ms shows
	took := map[string][]time.Duration{}
	for i := range names {
		known := d.AddUser(t, samba.User{Name: fmt.Sprintf("timed%02d", i)})
		if known == "" {
			t.Fatal("no account")
		}
		statuses := map[string][]int{}
		for try := range tries {
			for kind, name := range map[string]string{"known": fmt.Sprintf("timed%02d", i), "unknown": "nobody-" + strconv.Itoa(i)} {
				answer := g.Ask(t, name, "wrong "+strconv.Itoa(try))
				statuses[kind] = append(statuses[kind], answer.Status)
				took[kind] = append(took[kind], answer.Took)
			}
		}
		if !slices.Equal(statuses["known"], statuses["unknown"]) {
			t.Fatalf("statuses of a known name %d, of an unknown one %d", statuses["known"], statuses["unknown"])
		}
	}
	median := func(kind string) time.Duration {
		slices.Sort(took[kind])
		return took[kind][len(took[kind])/2]
	}
	known, unknown := median("known"), median("unknown")
	if near := max(10*time.Millisecond, known/2); (known - unknown).Abs() > near {
		t.Errorf("the median answer to a known name takes %v, to an unknown one %v, want within %v", known, unknown, near)
	}
	t.Logf("median: known %v, unknown %v", known, unknown)
}
