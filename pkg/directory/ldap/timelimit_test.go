package ldap_test

import (
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// TestTimeLimitOutlastsTheTimeout: a server counts the time limit of a search in whole seconds of its clock, so that one
// of N seconds may end it after N-1. What it is asked for is a second more than the gate waits.
func TestTimeLimitOutlastsTheTimeout(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]int64{
		time.Second: 2, 1500 * time.Millisecond: 3, 3 * time.Second: 4,
	} {
		t.Run(timeout.String(), func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			var asked []int64
			s.on(func(r request) *answer {
				if r.op == opSearch {
					const timeLimit = 4 // base, scope, aliases and size limit come before (RFC 4511, 4.5.1)
					limit, err := ber.ParseInt64(r.packet.Children[1].Children[timeLimit].Data.Bytes())
					if err != nil {
						t.Error(err)
					}
					asked = append(asked, limit)
				}
				return nil
			})
			b := backend(t, options(func(o *ldap.Options) { o.Timeouts.Operation = timeout }, s))
			if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
				t.Fatal(err)
			}
			if len(asked) == 0 {
				t.Error("no search was asked for")
			}
			for _, limit := range asked {
				if limit != want {
					t.Errorf("a search is asked for with a time limit of %d s, want %d", limit, want)
				}
			}
		})
	}
}
