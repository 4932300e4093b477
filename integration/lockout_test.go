package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestLDAP33_ManyWrongPasswordsLockNobody: the directory locks an account for ever after 5 failures. 100 different wrong
// passwords, one after the other or at once, are at most 3 of them.
func TestLDAP33_ManyWrongPasswordsLockNobody(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, gate.WithoutAddressLimit)
	settle(t, d, g)
	for i, at := range []string{"one after the other", "at once"} {
		user := fmt.Sprintf("u%05d", 10+i)
		mark := d.Mark(t)
		var clients sync.WaitGroup
		for n := range 100 {
			clients.Go(func() {
				a, err := g.Asker(serviceV3).Ask(t.Context(), user, "wrong "+strconv.Itoa(n))
				if err != nil || a.Status != http.StatusUnauthorized && a.Status != http.StatusTooManyRequests {
					t.Errorf("%s: a wrong password = %d %s, %v, want 401 or 429", at, a.Status, a.Body, err)
				}
			})
			if at != "at once" {
				clients.Wait()
			}
		}
		clients.Wait()
		if o := d.Since(t, mark); o.Binds == 0 || o.Binds > 3 {
			t.Errorf("%s: %d failed binds, want 1 to 3", at, o.Binds)
		}
		mustGrant(t, startGate(t, d), user, d.Password) // another gate, so that the directory itself answers
	}
	if n := g.Metric(t, "wharfgate_throttled_accounts"); n != 2 {
		t.Errorf("%v accounts are throttled, want 2", n)
	}
}

// TestLDAP34_StrangersLockNobodyOut: while strangers type junk at a name, its owner goes on; a right password that was
// never proven is told to come again.
func TestLDAP34_StrangersLockNobodyOut(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	a := g.Asker(serviceV3)
	mustGrant(t, g, "alice", d.Password)
	for i := range 80 { // more than the address may fail as well
		user := []string{"alice", "nora", "nobody-" + strconv.Itoa(i)}[i%3]
		if answer, err := a.Ask(t.Context(), user, "junk "+strconv.Itoa(i)); err != nil || answer.Token != "" {
			t.Fatalf("junk = %d, %v", answer.Status, err)
		}
	}
	answer, err := a.Ask(t.Context(), "nora", d.Password)
	if err != nil || answer.Status != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a right password that was never proven = %d, Retry-After %q, %v, want 429", answer.Status, answer.Header.Get("Retry-After"), err)
	}
	for range 5 {
		mustGrant(t, g, "alice", d.Password)
	}
}

// TestLDAP68_UnknownNamesAreAnsweredAlike: neither status nor time tells whether a name has an account.
func TestLDAP68_UnknownNamesAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, gate.WithoutAddressLimit)
	settle(t, d, g)
	a := g.Asker(serviceV3)
	const names, tries = 40, 5
	took := map[string][]time.Duration{}
	mark := d.Mark(t)
	for i := range names {
		statuses := map[string][]int{}
		for kind, name := range map[string]string{"known": fmt.Sprintf("u%05d", 1+i), "unknown": "nobody-" + strconv.Itoa(i)} {
			for try := range tries {
				answer, err := a.Ask(t.Context(), name, "wrong "+strconv.Itoa(try))
				if err != nil {
					t.Fatal(err)
				}
				statuses[kind] = append(statuses[kind], answer.Status)
				took[kind] = append(took[kind], answer.Took)
			}
		}
		if !slices.Equal(statuses["known"], statuses["unknown"]) {
			t.Fatalf("statuses of a known name %d, of an unknown one %d", statuses["known"], statuses["unknown"])
		}
	}
	if o := d.Since(t, mark); o.Binds != 3*names {
		t.Errorf("%d binds, want 3 for each known name", o.Binds)
	}
	median := func(kind string) time.Duration {
		slices.Sort(took[kind])
		return took[kind][len(took[kind])/2]
	}
	known, unknown := median("known"), median("unknown")
	if near := known/2 + time.Millisecond; (known - unknown).Abs() > near {
		t.Errorf("the median answer to a known name takes %v, to an unknown one %v, want within %v", known, unknown, near)
	}
	t.Logf("median: known %v, unknown %v", known, unknown)
}
