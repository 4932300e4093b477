package token

import (
	"crypto/rand"
	"testing"
)

// TestP59_MillionIDs: as many ids as two replicas give out in a day of a large company, and none twice. That the
// tokens hold these ids is TestP59_Unique.
func TestP59_MillionIDs(t *testing.T) {
	t.Parallel()
	const tokens = 1_000_000
	replicas := [2]scratch{}
	if len(replicas[0].id) < 16 {
		t.Errorf("an id has %d random bytes, want 16", len(replicas[0].id))
	}
	seen := make(map[[len(scratch{}.id)]byte]struct{}, tokens)
	for i := range tokens {
		s := &replicas[i%len(replicas)]
		if _, err := s.newID(rand.Reader); err != nil {
			t.Fatal(err)
		}
		if _, ok := seen[s.id]; ok {
			t.Fatalf("id %x twice", s.id)
		}
		seen[s.id] = struct{}{}
	}
}
