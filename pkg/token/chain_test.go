package token_test

import (
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestP62_ChainRefused(t *testing.T) {
	t.Parallel()
	r, other := newRig(t), newRig(t)
	tests := []struct {
		name string
		edit func(*reader)
		ok   bool
	}{
		{"as it should be", func(*reader) {}, true},
		{"another CA", func(x *reader) { x.bundle = other.keys.Bundle() }, false},
		{"the next CA beside it", func(x *reader) { x.bundle = append(other.keys.Bundle(), x.bundle...) }, true},
		{"no CA", func(x *reader) { x.bundle = nil }, false},
		{"registry 50 s behind", func(x *reader) { x.now = x.now.Add(-50 * time.Second) }, true},
		{"registry an hour behind", func(x *reader) { x.now = x.now.Add(-61 * time.Minute) }, false},
		{"the token is over", func(x *reader) { x.now = x.now.Add(7 * time.Minute) }, false},
		{"the certificate is over", func(x *reader) { x.now = x.now.Add(49 * time.Hour) }, false},
	}
	s := r.sign(t, happy())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := r.reader()
			tt.edit(&x)
			if _, err := x.read(s); (err == nil) != tt.ok {
				t.Errorf("registry says %v, want success: %v", err, tt.ok)
			}
		})
	}
}

func TestP69_TwoReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second, err := token.NewKeySet(token.KeySetOptions{CA: r.ca, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if r.keys.Keys()[0].Serial == second.Keys()[0].Serial {
		t.Fatal("two replicas have one certificate")
	}
	i, err := token.New(token.Options{Issuer: issuer, Keys: second, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s, err := i.Sign(happy())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []token.Signed{s, r.sign(t, happy())} {
		if _, err := r.reader().read(s); err != nil {
			t.Error(err)
		}
	}
}
