package token_test

import (
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestNewKeySetRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tests := []struct {
		name string
		edit func(*token.KeySetOptions)
		want error
	}{
		{"no CA", func(o *token.KeySetOptions) { o.CA = nil }, token.ErrInvalidOptions},
		{"short life", func(o *token.KeySetOptions) { o.LeafLifetime = time.Hour }, token.ErrInvalidOptions},
		{"long life", func(o *token.KeySetOptions) { o.LeafLifetime = 1000 * time.Hour }, token.ErrInvalidOptions},
		{"unknown algorithm", func(o *token.KeySetOptions) { o.Algorithms = []string{"HS256"} }, token.ErrUnknownAlgorithm},
		{"CA that has ended", func(o *token.KeySetOptions) {
			o.Now = func() time.Time { return r.clock.Now().AddDate(11, 0, 0) }
		}, token.ErrInvalidCA},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := token.KeySetOptions{CA: r.ca, Now: r.clock.Now}
			tt.edit(&o)
			if _, err := token.NewKeySet(o); !errors.Is(err, tt.want) {
				t.Errorf("NewKeySet = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	told := map[string]time.Time{}
	r := newRig(t, withRSA, func(o *token.KeySetOptions) {
		o.Observer.Rotated = func(algorithm string, end time.Time) { told[algorithm] = end }
	})
	keys := r.keys.Keys()
	if len(keys) != 2 || keys[0].Algorithm != token.ES256 || keys[1].Algorithm != token.RS256 {
		t.Fatalf("Keys = %+v, want one for ES256 and one for RS256", keys)
	}
	now := r.clock.Now()
	for _, k := range keys {
		if !k.NotBefore.Before(now.Add(-59*time.Minute)) || !k.NotAfter.Equal(now.Add(48*time.Hour).Truncate(time.Second)) {
			t.Errorf("%s lives from %v to %v", k.Algorithm, k.NotBefore, k.NotAfter)
		}
		if !k.RenewAt.Equal(now.Add(32*time.Hour)) || k.Serial == "" || !told[k.Algorithm].Equal(k.NotAfter) {
			t.Errorf("key %+v, the observer heard %v", k, told[k.Algorithm])
		}
	}
}

func TestP67_RotationKeepsOldTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRSA)
	registry := r.reader()
	old := r.sign(t, happy())
	before := r.keys.Keys()
	if err := r.keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	for i, k := range r.keys.Keys() {
		if k.Serial == before[i].Serial {
			t.Errorf("%s was not replaced", k.Algorithm)
		}
	}
	for name, s := range map[string]token.Signed{"old": old, "new": r.sign(t, happy())} {
		if _, err := registry.read(s); err != nil {
			t.Errorf("%s token: %v", name, err)
		}
	}
}

func TestP67_RotationUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	registry := r.reader()
	done := make(chan struct{})
	var load, rotation sync.WaitGroup
	rotation.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := r.keys.Rotate(); err != nil {
				t.Error(err)
			}
		}
	})
	for range 4 {
		load.Go(func() {
			for range 100 {
				s, err := r.issuer.Sign(happy())
				if err == nil {
					_, err = registry.read(s)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	load.Wait()
	close(done)
	rotation.Wait()
}

// inBubble gives a rig on the time of a synctest bubble, with Run going.
func inBubble(t *testing.T, observer token.Observer) (*token.KeySet, *token.Issuer) {
	t.Helper()
	ca, err := token.CreateCA(t.TempDir(), time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(token.KeySetOptions{CA: ca, Observer: observer})
	if err != nil {
		t.Fatal(err)
	}
	i, err := token.New(token.Options{Issuer: issuer, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := keys.Run(ctx); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return keys, i
}

func TestP70_RenewedAheadOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys, i := inBubble(t, token.Observer{Failed: func(algorithm string, err error) { t.Errorf("%s: %v", algorithm, err) }})
		registry := reader{bundle: keys.Bundle(), service: service}
		for range 12 * 24 { // twelve days, an hour at a time
			time.Sleep(time.Hour)
			k := keys.Keys()[0]
			if left := time.Until(k.NotAfter); left < 48*time.Hour/3-2*time.Minute {
				t.Fatalf("the certificate ends in %v and was not replaced", left)
			}
			s, err := i.Sign(happy())
			if err != nil {
				t.Fatal(err)
			}
			registry.now = s.ExpiresAt.Add(59 * time.Second) // the last moment at which it may be shown
			if _, err := registry.read(s); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestP70_WakesFromSleep(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.keys.Keys()[0]
	r.clock.Add(48*time.Hour - 5*time.Minute - 30*time.Second) // a token of 5 m would outlive the certificate
	s := r.sign(t, happy())
	if r.keys.Keys()[0].Serial == first.Serial {
		t.Error("a certificate that ends too early signed")
	}
	if _, err := r.reader().read(s); err != nil {
		t.Error(err)
	}
}

func TestP70_EndOfTheCA(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	ca, err := token.LoadCA(caFiles(t, pkcs8(t, key), certify(t, authority(), key))) // for ten days
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	r := newRig(t, func(o *token.KeySetOptions) {
		o.CA = ca
		o.Observer.Rotated = func(string, time.Time) { made++ }
	})
	r.clock.Add(10*24*time.Hour - time.Hour)
	if _, err := r.reader().read(r.sign(t, happy())); err != nil {
		t.Fatal(err)
	}
	if end := r.keys.Keys()[0].NotAfter; !end.Equal(ca.Certificate().NotAfter) {
		t.Errorf("the certificate ends at %v, its CA at %v", end, ca.Certificate().NotAfter)
	}
	r.clock.Add(55 * time.Minute)
	for range 3 {
		if _, err := r.issuer.Sign(happy()); !errors.Is(err, token.ErrExpiringKey) {
			t.Errorf("Sign = %v, want %v", err, token.ErrExpiringKey)
		}
	}
	if made != 2 {
		t.Errorf("%d keys were made, want 2: the first and the last", made)
	}
}

func TestFailedRenewalIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := ecKey(t, elliptic.P256())
		template := authority()
		template.NotBefore, template.NotAfter = time.Now(), time.Now().Add(49*time.Hour)
		ca, err := token.LoadCA(caFiles(t, pkcs8(t, key), certify(t, template, key)))
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		late := time.Duration(0)
		keys, err := token.NewKeySet(token.KeySetOptions{
			CA:       ca,
			Now:      func() time.Time { return time.Now().Add(late) },
			Observer: token.Observer{Failed: func(string, error) { failed++ }},
		})
		if err != nil {
			t.Fatal(err)
		}
		late = 60 * time.Hour // the machine slept beyond the end of its CA
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		if err := keys.Run(ctx); err != nil {
			t.Errorf("Run = %v", err)
		}
		if failed != 2 {
			t.Errorf("the observer heard of %d failures, want 2 in 150 s", failed)
		}
	})
}

// TestP70_ClockSetBack: a certificate made while the clock was ahead is not valid yet when the clock is right again,
// so the next token gets another one.
func TestP70_ClockSetBack(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{30 * time.Minute, 2 * time.Hour, 240 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.clock.Add(ahead)
			if err := r.keys.Rotate(); err != nil {
				t.Fatal(err)
			}
			future := r.keys.Keys()[0]
			r.clock.Add(-ahead)
			if _, err := r.reader().read(r.sign(t, happy())); err != nil {
				t.Errorf("a registry refuses the token: %v", err)
			}
			if kept, want := r.keys.Keys()[0].Serial == future.Serial, ahead < time.Hour; kept != want {
				t.Errorf("the certificate of a clock %v ahead is kept: %v, want %v", ahead, kept, want)
			}
		})
	}
}
