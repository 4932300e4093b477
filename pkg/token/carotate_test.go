package token_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// states writes the states of the CAs in a folder.
func states(tb testing.TB, dir string, r token.Rotation) string {
	tb.Helper()
	all, err := token.CAStates(dir, r.RetireFor)
	if err != nil {
		tb.Fatal(err)
	}
	var words []string
	for _, s := range all {
		words = append(words, string(s.State))
	}
	return strings.Join(words, " ")
}

func TestCARollover(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	first, err := token.CreateCA(dir, c.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(token.KeySetOptions{CA: first, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := token.New(token.Options{Issuer: issuer, Keys: keys, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	follower := keys.Follow(caIn(dir))
	step := func(want token.Step) {
		t.Helper()
		if got, err := token.RotateCA(dir, rotation(c)); err != nil || got != want {
			t.Fatalf("RotateCA = %q, %v; want %q", got, err, want)
		}
		if changed, err := follower.Reload(); err != nil || !changed {
			t.Fatalf("Reload = %v, %v", changed, err)
		}
	}
	before, err := issuer.Sign(happy())
	if err != nil {
		t.Fatal(err)
	}
	step(token.StepPublished)
	if got := states(t, dir, rotation(c)); got != "active standby" {
		t.Fatalf("states: %s", got)
	}
	bundle := keys.Bundle() // what registries get now
	if _, err := token.RotateCA(dir, rotation(c)); !errors.Is(err, token.ErrTooEarly) {
		t.Fatalf("RotateCA = %v, want ErrTooEarly", err)
	}
	c.Add(time.Hour)
	step(token.StepActivated)
	if got := states(t, dir, rotation(c)); got != "retiring active" {
		t.Fatalf("states: %s", got)
	}
	after, err := issuer.Sign(happy())
	if err != nil {
		t.Fatal(err)
	}
	if keys.CA().Certificate().Equal(first.Certificate()) {
		t.Error("the CA of before still signs certificates")
	}
	for name, signed := range map[string]token.Signed{"before": before, "after": after} {
		registry := reader{bundle: bundle, service: service, now: signed.IssuedAt}
		if _, err := registry.read(signed); err != nil {
			t.Errorf("the token of %s is not believed by a registry with both CAs: %v", name, err)
		}
	}
	c.Add(11 * time.Minute)
	step(token.StepPublished)
	if got := states(t, dir, rotation(c)); got != "active standby" {
		t.Errorf("states after the next roll-over began: %s; the first CA should be gone", got)
	}
	if bytes.Contains(keys.Bundle(), first.Bundle()) {
		t.Error("the first CA is still in the bundle")
	}
}

// TestCARolloverAfterAHalfStep: a next key whose certificate never got into the bundle is made anew.
func TestCARolloverAfterAHalfStep(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	if _, err := token.CreateCA(dir, c.Now(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, token.CACertFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.RotateCA(dir, rotation(c)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, token.CACertFile), before, 0o644); err != nil { // as if killed between the two files
		t.Fatal(err)
	}
	if step, err := token.RotateCA(dir, rotation(c)); err != nil || step != token.StepPublished {
		t.Fatalf("RotateCA = %q, %v; want it published again", step, err)
	}
	if got := states(t, dir, rotation(c)); got != "active standby" {
		t.Errorf("states: %s", got)
	}
}

func TestCAFilesThatAreNotFitLeaveTheCA(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	ca, err := token.CreateCA(dir, c.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	failures := 0
	keys, err := token.NewKeySet(token.KeySetOptions{CA: ca, Now: c.Now, Observer: token.Observer{CAFailed: func(error) { failures++ }}})
	if err != nil {
		t.Fatal(err)
	}
	follower := keys.Follow(caIn(dir))
	if err := os.WriteFile(filepath.Join(dir, token.CACertFile), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := follower.Reload(); err == nil || changed {
		t.Fatalf("Reload = %v, %v; want an error", changed, err)
	}
	if _, err := follower.Reload(); err != nil || failures != 1 {
		t.Errorf("the same files are told %d times (%v), want once", failures, err)
	}
	if !keys.CA().Certificate().Equal(ca.Certificate()) {
		t.Error("the CA changed")
	}
}
