package guard_test

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func newAddresses(tb testing.TB, o guard.AddressesOptions) *guard.Addresses {
	tb.Helper()
	a, err := guard.NewAddresses(o)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// fail takes one failure and keeps it.
func fail(tb testing.TB, a *guard.Addresses, client string) error {
	tb.Helper()
	address, _ := netip.ParseAddr(client) // what is none stays the zero address
	if err := a.Allow(address); err != nil {
		return err
	}
	settle, err := a.Take(address)
	if err != nil {
		tb.Fatalf("Take(%q) after Allow: %v", client, err)
	}
	settle(guard.Wrong)
	return nil
}

// wantTooMany checks a refusal and its time.
func wantTooMany(tb testing.TB, err error, after time.Duration) {
	tb.Helper()
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, guard.ErrAddress) || !errors.Is(err, identity.ErrThrottled) || retry.After != after {
		tb.Errorf("error = %v, want ErrAddress for %v", err, after)
	}
}

func TestFailuresOfAnAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, first, second string
		shared              bool
	}{
		{"the same", "192.0.2.1", "192.0.2.1", true},
		{"neighbors", "192.0.2.1", "192.0.2.2", false},
		{"one /64", "2001:db8::1", "2001:db8::ffff:0:0:1", true},
		{"two /64", "2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"IPv4 in IPv6 form", "192.0.2.1", "::ffff:192.0.2.1", true},
		{"two IPv4 in IPv6 form", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"with a zone", "fe80::1%eth0", "fe80::2%eth1", true},
		{"no address", "", "", true},
		{"no address and one", "", "::", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			a := newAddresses(t, guard.AddressesOptions{Max: 5, Window: 5 * time.Minute, Now: clock.now})
			for range 5 {
				if err := fail(t, a, tt.first); err != nil {
					t.Fatalf("too many too soon: %v", err)
				}
			}
			wantTooMany(t, fail(t, a, tt.first), time.Minute)
			if err := fail(t, a, tt.second); (err != nil) != tt.shared {
				t.Errorf("second address: error %v, want one: %t", err, tt.shared)
			}
			clock.advance(time.Minute)
			if err := fail(t, a, tt.first); err != nil {
				t.Errorf("after a minute: %v", err)
			}
			clock.advance(30 * time.Second)
			wantTooMany(t, fail(t, a, tt.first), 30*time.Second)
			clock.advance(time.Hour)
			for range 5 {
				if err := fail(t, a, tt.first); err != nil {
					t.Fatalf("too many after an hour: %v", err)
				}
			}
			wantTooMany(t, fail(t, a, tt.first), time.Minute)
		})
	}
}

// TestOnlyFailuresCount: what did not fail is given back, and parallel attempts are counted before they end.
func TestOnlyFailuresCount(t *testing.T) {
	t.Parallel()
	client := netip.MustParseAddr("192.0.2.1")
	a := newAddresses(t, guard.AddressesOptions{Max: 2})
	for _, o := range []guard.Outcome{guard.OK, guard.NotSent, guard.Unknown} {
		for range 5 {
			settle, err := a.Take(client)
			if err != nil {
				t.Fatalf("after %v: %v", o, err)
			}
			settle(o)
		}
	}
	for range 2 {
		if _, err := a.Take(client); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Take(client); !errors.Is(err, guard.ErrAddress) {
		t.Errorf("a third at once: error %v, want ErrAddress", err)
	}
}

func TestAddressesWithoutLimit(t *testing.T) {
	t.Parallel()
	exempt := newAddresses(t, guard.AddressesOptions{Max: 1, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, a := range []*guard.Addresses{nil, exempt} {
		for range 10 {
			if err := fail(t, a, "10.1.2.3"); err != nil {
				t.Errorf("error %v, want none", err)
			}
		}
	}
	small := newAddresses(t, guard.AddressesOptions{Max: 1, Size: 10})
	for i := range 100 { // those used least recently are forgotten
		if err := fail(t, small, "192.0.2."+strconv.Itoa(i)); err != nil {
			t.Error(err)
		}
	}
	for _, o := range []guard.AddressesOptions{{Max: -1}, {Window: -1}, {Size: -1}, {Max: 10, Window: 9}} {
		if _, err := guard.NewAddresses(o); !errors.Is(err, guard.ErrInvalidOptions) {
			t.Errorf("NewAddresses(%+v): error %v, want ErrInvalidOptions", o, err)
		}
	}
}

// TestShareGivesTurnsInOrder: no more at once than there are turns, first come first served, and nobody waits beyond
// the queue or his time.
func TestShareGivesTurnsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := guard.NewShare(1, 3)
		if err != nil {
			t.Fatal(err)
		}
		leave, err := s.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan int, 2)
		for i := range 2 {
			go func() {
				leave, err := s.Take(t.Context())
				if err != nil {
					t.Errorf("one who waits: %v", err)
					return
				}
				served <- i
				leave()
			}()
			synctest.Wait()
		}
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantBusy(t, func() error { _, err := s.Take(hurry); return err }())
		leave()
		if a, b := <-served, <-served; a != 0 || b != 1 {
			t.Errorf("served %d before %d, want the order of arrival", a, b)
		}
	})
}

func TestShareQueueIsBounded(t *testing.T) {
	t.Parallel()
	s, err := guard.NewShare(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = s.Take(t.Context())
	wantBusy(t, err)
	var none *guard.Share
	for range 10 {
		if _, err := none.Take(t.Context()); err != nil {
			t.Errorf("nil has a bound: %v", err)
		}
	}
	for _, turns := range []int{0, -1} {
		if _, err := guard.NewShare(turns, 1); !errors.Is(err, guard.ErrInvalidOptions) {
			t.Errorf("NewShare(%d): error %v, want ErrInvalidOptions", turns, err)
		}
	}
}

// wantBusy checks the refusal of a turn.
func wantBusy(tb testing.TB, err error) {
	tb.Helper()
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || retry.Reason != identity.ReasonBusy || !errors.Is(err, identity.ErrUnavailable) {
		tb.Errorf("error = %v, want busy", err)
	}
}
