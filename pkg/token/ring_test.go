package token_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// rotation is a step as it is usually taken.
func rotation(c *clock) token.Rotation {
	return token.Rotation{Now: c.Now(), PublishFor: time.Hour, RetireFor: 10 * time.Minute}
}

// newRing makes a ring with one active key.
func newRing(tb testing.TB, c *clock, algorithm string) (*token.Ring, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "keys", "main.json")
	if err := token.CreateRing(path, algorithm, c.Now()); err != nil {
		tb.Fatal(err)
	}
	ring, err := token.OpenRing(token.RingOptions{Name: "main", File: path, Now: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return ring, path
}

// ringIssuer is an issuer that has nothing but a ring.
func ringIssuer(tb testing.TB, c *clock, ring *token.Ring) *token.Issuer {
	tb.Helper()
	i, err := token.New(token.Options{Issuer: issuer, Rings: []*token.Ring{ring}, Now: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// believed reports whether a registry that holds keys by their id believes a token.
func believed(tb testing.TB, c *clock, text string, trusted []token.PublicKey) bool {
	tb.Helper()
	parsed, err := jwt.Parse(text, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["x5c"]; ok {
			tb.Error("the header carries a chain beside the key id")
		}
		for _, k := range trusted {
			if k.ID == t.Header["kid"] {
				return k.Key, nil
			}
		}
		return nil, errors.New("unknown key")
	}, jwt.WithTimeFunc(c.Now), jwt.WithLeeway(time.Minute))
	return err == nil && parsed.Valid
}

func TestRingSignsInEveryForm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{token.ES256, token.RS256, token.EdDSA} {
		for _, form := range []token.Form{token.Libtrust, token.RFC7638, token.JWKS} {
			t.Run(algorithm+"/"+string(form), func(t *testing.T) {
				t.Parallel()
				c := newClock()
				ring, _ := newRing(t, c, algorithm)
				claims := happy()
				claims.Ring, claims.Form = "main", form
				signed, err := ringIssuer(t, c, ring).Sign(claims)
				if algorithm == token.EdDSA && form == token.Libtrust {
					if !errors.Is(err, token.ErrInvalidKey) {
						t.Fatalf("Sign = %v, want ErrInvalidKey", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				trusted, err := ring.Trusted(form)
				if err != nil {
					t.Fatal(err)
				}
				if !believed(t, c, signed.Token.Reveal(), trusted) {
					t.Error("the token is not believed")
				}
			})
		}
	}
}

func TestP68_KeyGoesThroughItsStates(t *testing.T) {
	t.Parallel()
	c := newClock()
	ring, path := newRing(t, c, token.ES256)
	states := func() string {
		var all []string
		for _, k := range ring.Keys() {
			all = append(all, string(k.State))
		}
		return strings.Join(all, " ")
	}
	step := func(want token.Step, force bool) {
		t.Helper()
		r := rotation(c)
		r.Force = force
		if got, err := token.RotateRing(path, r); err != nil || got != want {
			t.Fatalf("RotateRing = %q, %v; want %q", got, err, want)
		}
		if changed, err := ring.Reload(); err != nil || !changed {
			t.Fatalf("Reload = %v, %v", changed, err)
		}
	}
	i := ringIssuer(t, c, ring)
	claims := happy()
	claims.Ring, claims.Form = "main", token.RFC7638

	step(token.StepPublished, false)
	if got := states(); got != "active standby" {
		t.Fatalf("states: %s", got)
	}
	registry, err := ring.Trusted(token.RFC7638) // as a registry that was restarted now
	if err != nil {
		t.Fatal(err)
	}
	before, err := i.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.RotateRing(path, rotation(c)); !errors.Is(err, token.ErrTooEarly) {
		t.Fatalf("an unpublished key: %v, want ErrTooEarly", err)
	}
	c.Add(time.Hour)
	step(token.StepActivated, false)
	if got := states(); got != "retiring active" {
		t.Fatalf("states: %s", got)
	}
	after, err := i.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	if !believed(t, newClock(), before.Token.Reveal(), registry) || !believed(t, c, after.Token.Reveal(), registry) {
		t.Error("a token of before or after is not believed by a registry that has both keys")
	}
	c.Add(10 * time.Minute)
	if got := states(); got != "gone active" {
		t.Fatalf("states: %s", got)
	}
	if trusted, err := ring.Trusted(token.RFC7638); err != nil || len(trusted) != 1 {
		t.Errorf("a key that is gone is trusted: %v, %v", trusted, err)
	}
	step(token.StepPublished, false)
	step(token.StepActivated, true)
	if got := states(); got != "gone retiring active" {
		t.Fatalf("states: %s", got)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "BEGIN PRIVATE KEY"); n != 2 {
		t.Errorf("%d private keys are kept, want those of the active and the retiring key", n)
	}
}

func TestRotationsAtOnceAreOneAfterTheOther(t *testing.T) {
	t.Parallel()
	c := newClock()
	ring, path := newRing(t, c, token.ES256)
	const many = 8
	steps := make([]token.Step, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { steps[i], _ = token.RotateRing(path, rotation(c)) })
	}
	all.Wait()
	if _, err := ring.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := len(ring.Keys()); got != 2 {
		t.Errorf("%d keys after rotations at once, want the active one and one that stands by (%v)", got, steps)
	}
}

func TestRingFilesThatAreNotFitLeaveTheKeys(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string) error{
		"half-written": func(_ *testing.T, path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, data[:len(data)/2], 0o600)
		},
		"empty":          func(_ *testing.T, path string) error { return os.WriteFile(path, nil, 0o600) },
		"another form":   func(_ *testing.T, path string) error { return os.WriteFile(path, []byte(`{"version":9}`), 0o600) },
		"no active key":  func(_ *testing.T, path string) error { return os.WriteFile(path, []byte(`{"version":1}`), 0o600) },
		"others read it": func(_ *testing.T, path string) error { return errors.Join(touch(path), os.Chmod(path, 0o644)) },
		"vanished":       func(_ *testing.T, path string) error { return os.Remove(path) },
		"private key is gone": func(t *testing.T, path string) error {
			t.Helper()
			return edit(t, path, func(f map[string]any) { f["keys"].([]any)[0].(map[string]any)["private_key"] = "none" })
		},
		"private key of another": func(t *testing.T, path string) error { t.Helper(); return mixed(t, path, "private_key") },
		"certificate of another": func(t *testing.T, path string) error { t.Helper(); return mixed(t, path, "certificate") },
		"id of another":          func(t *testing.T, path string) error { t.Helper(); return mixed(t, path, "id") },
		"another algorithm": func(t *testing.T, path string) error {
			t.Helper()
			return edit(t, path, func(f map[string]any) { f["algorithm"] = token.RS256 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			ring, path := newRing(t, c, token.ES256)
			if err := spoil(t, path); err != nil {
				t.Fatal(err)
			}
			if changed, err := ring.Reload(); err == nil || changed {
				t.Fatalf("Reload = %v, %v; want an error", changed, err)
			}
			claims := happy()
			claims.Ring, claims.Form = "main", token.JWKS
			if _, err := ringIssuer(t, c, ring).Sign(claims); err != nil {
				t.Errorf("Sign = %v; the keys of before should stay", err)
			}
			if _, err := token.OpenRing(token.RingOptions{Name: "main", File: path, Now: c.Now}); err == nil {
				t.Error("OpenRing took the file")
			}
		})
	}
}

// mixed gives the key in a file a member of another key.
func mixed(t *testing.T, path, member string) error {
	t.Helper()
	_, other := newRing(t, newClock(), token.ES256)
	var foreign any
	take := func(f map[string]any) { foreign = f["keys"].([]any)[0].(map[string]any)[member] }
	put := func(f map[string]any) { f["keys"].([]any)[0].(map[string]any)[member] = foreign }
	return errors.Join(edit(t, other, take), edit(t, path, put))
}

// touch changes a file without changing what it says.
func touch(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}

// edit changes a JSON file.
func edit(t *testing.T, path string, change func(map[string]any)) error {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var f map[string]any
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	change(f)
	if data, err = json.Marshal(f); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func TestCreateRingNeverOverwrites(t *testing.T) {
	t.Parallel()
	c := newClock()
	_, path := newRing(t, c, token.ES256)
	if err := token.CreateRing(path, token.ES256, c.Now()); !errors.Is(err, token.ErrRingExists) {
		t.Errorf("CreateRing = %v, want ErrRingExists", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

// TestP64_NoCoordinateBeginsWithZero draws so many keys that some would, one in 128, if nothing prevented it.
func TestP64_NoCoordinateBeginsWithZero(t *testing.T) {
	t.Parallel()
	c := newClock()
	ring, path := newRing(t, c, token.ES256)
	for range 400 {
		r := rotation(c)
		r.Force, r.RetireFor = true, 0
		if _, err := token.RotateRing(path, r); err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Reload(); err != nil {
			t.Fatal(err)
		}
		for _, k := range ring.Keys() {
			key, ok := k.Key.(*ecdsa.PublicKey)
			if !ok {
				t.Fatalf("a key of type %T", k.Key)
			}
			point, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if point[1] == 0 || point[33] == 0 {
				t.Fatalf("a coordinate begins with zero: %x", point)
			}
		}
	}
}
