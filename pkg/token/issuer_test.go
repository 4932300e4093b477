package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestP56_Deterministic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := happy(), happy()
	a.ID, b.ID = "one", "one"
	a.Access = []registry.Access{
		{Type: "repository", Name: "b", Actions: []string{"push", "pull"}},
		{Type: "registry", Name: "catalog", Actions: []string{"*"}},
		{Type: "repository", Name: "a", Actions: []string{"pull"}},
	}
	b.Access = []registry.Access{a.Access[2], a.Access[0], a.Access[1]}
	first := r.sign(t, a).Token.Reveal()
	second := r.sign(t, b).Token.Reveal()
	if x, y := first[:strings.LastIndex(first, ".")], second[:strings.LastIndex(second, ".")]; x != y {
		t.Errorf("two tokens for equal requests differ:\n%s\n%s", x, y)
	}
	got, err := r.reader().read(r.sign(t, a))
	if err != nil {
		t.Fatal(err)
	}
	want := []registry.Access{
		{Type: "registry", Name: "catalog", Actions: []string{"*"}},
		{Type: "repository", Name: "a", Actions: []string{"pull"}},
		{Type: "repository", Name: "b", Actions: []string{"pull", "push"}},
	}
	if !reflect.DeepEqual(got.Access, want) {
		t.Errorf("access = %v, want %v", got.Access, want)
	}
	if a.Access[0].Name != "b" || a.Access[0].Actions[0] != "push" {
		t.Errorf("Sign changed its argument: %v", a.Access)
	}
}

func TestP57_Names(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, subject string }{
		{"plain", "alice"},
		{"anonymous", ""},
		{"beyond ASCII", "zoë"},
		{"what JSON escapes", "a\"b\\c<d>&\u2028"},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := happy()
			c.Subject = tt.subject
			got, err := plainClaims(r.sign(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if got["iss"] != issuer || got["aud"] != service || got["sub"] != tt.subject {
				t.Errorf("iss %v, aud %v, sub %v, want %q, %q, %q", got["iss"], got["aud"], got["sub"], issuer, service, tt.subject)
			}
		})
	}
}

// plainClaims reads the claims without knowing them.
func plainClaims(s token.Signed) (map[string]any, error) {
	var c map[string]json.RawMessage
	if err := decode(strings.Split(s.Token.Reveal(), ".")[1], &c); err != nil && !errors.Is(err, errRefused) {
		return nil, err
	}
	all := map[string]any{}
	for k, raw := range c {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		all[k] = v
	}
	return all, nil
}

func TestP57_OtherRegistryRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.sign(t, happy())
	if _, err := r.reader().read(s); err != nil {
		t.Fatalf("registry A: %v", err)
	}
	b := r.reader()
	b.service = "other.corp.example"
	if _, err := b.read(s); !errors.Is(err, errRefused) {
		t.Errorf("registry B took a token for registry A (%v)", err)
	}
}

func TestP58_Times(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
		r := newRig(t)
		c := happy()
		c.Lifetime = life
		s := r.sign(t, c)
		got, err := r.reader().read(s)
		if err != nil {
			t.Fatal(err)
		}
		now := r.clock.Now()
		if got.Begin != now.Unix()-10 || got.IssuedAt != got.Begin {
			t.Errorf("nbf %d, iat %d, want both %d", got.Begin, got.IssuedAt, now.Unix()-10)
		}
		if left := time.Unix(got.Expiry, 0).Sub(now); left > life || left < life-time.Second {
			t.Errorf("exp is %v away, want %v", left, life)
		}
		if !s.ExpiresAt.Equal(time.Unix(got.Expiry, 0)) || !s.IssuedAt.Equal(now) {
			t.Errorf("Signed has %v to %v, the token ends at %d", s.IssuedAt, s.ExpiresAt, got.Expiry)
		}
	}
}

func TestP59_Unique(t *testing.T) {
	t.Parallel()
	r, replica := newRig(t), newRig(t)
	seen := map[string]bool{}
	for range 2000 {
		for _, i := range []*rig{r, replica} {
			s := i.sign(t, happy())
			if len(s.ID) < 22 || seen[s.ID] {
				t.Fatalf("jti %q is short or was there before", s.ID)
			}
			seen[s.ID] = true
		}
	}
	c := happy()
	c.ID = "mine"
	got, err := r.reader().read(r.sign(t, c)) // refuses unknown members, so crit and jwk too
	if err != nil || got.ID != "mine" {
		t.Errorf("jti = %q, %v, want the one that was given", got.ID, err)
	}
}

func TestP60_Access(t *testing.T) {
	t.Parallel()
	pull := []string{"pull"}
	tests := []struct {
		name   string
		access []registry.Access
		want   []registry.Access
	}{
		{"none", nil, []registry.Access{}},
		{"empty", []registry.Access{}, []registry.Access{}},
		{"no actions", []registry.Access{{Type: "repository", Name: "a"}}, []registry.Access{}},
		{
			"the same resource twice",
			[]registry.Access{{Type: "repository", Name: "a", Actions: []string{"push"}}, {Type: "repository", Name: "b", Actions: pull}, {Type: "repository", Name: "a", Actions: []string{"push", "pull"}}},
			[]registry.Access{{Type: "repository", Name: "a", Actions: []string{"pull", "push"}}, {Type: "repository", Name: "b", Actions: pull}},
		},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := happy()
			c.Access = tt.access
			got, err := r.reader().read(r.sign(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Access, tt.want) {
				t.Errorf("access = %#v, want %#v", got.Access, tt.want)
			}
		})
	}
}

// fifty are claims with 50 repositories of usual names.
func fifty() token.Claims {
	c := happy()
	c.Access = nil
	for i := range 50 {
		c.Access = append(c.Access, registry.Access{Type: "repository", Name: fmt.Sprintf("payments/service-%02d", i), Actions: []string{"pull", "push"}})
	}
	return c
}

func TestP61_Size(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.sign(t, fifty())
	if s.Size() > token.MaxHandySize || s.Size() != len(s.Token.Reveal()) {
		t.Errorf("a token with 50 scopes has %d bytes, want %d at most", s.Size(), token.MaxHandySize)
	}
	if one := r.sign(t, happy()); one.Size() > 1500 {
		t.Errorf("a token with one scope has %d bytes", one.Size())
	}
}

func TestP62_Algorithms(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRSA)
	for algorithm, size := range map[string]int{"": 86, token.ES256: 86, token.RS256: 342} {
		c := happy()
		c.Algorithm = algorithm
		s := r.sign(t, c)
		if _, err := r.reader().read(s); err != nil {
			t.Errorf("%q: %v", algorithm, err)
		}
		text := s.Token.Reveal()
		if got := len(text) - strings.LastIndex(text, ".") - 1; got != size {
			t.Errorf("%q: encoded signature has %d bytes, want %d", algorithm, got, size)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*token.Claims)
		want error
	}{
		{"no audience", func(c *token.Claims) { c.Audience = "" }, token.ErrInvalidClaims},
		{"too short", func(c *token.Claims) { c.Lifetime = 59 * time.Second }, token.ErrInvalidClaims},
		{"no lifetime", func(c *token.Claims) { c.Lifetime = 0 }, token.ErrInvalidClaims},
		{"part of a second", func(c *token.Claims) { c.Lifetime += time.Millisecond }, token.ErrInvalidClaims},
		{"no such key", func(c *token.Claims) { c.Algorithm = token.RS256 }, token.ErrUnknownAlgorithm},
		{"no algorithm at all", func(c *token.Claims) { c.Algorithm = "none" }, token.ErrUnknownAlgorithm},
		{"longer than any key", func(c *token.Claims) { c.Lifetime = 48 * time.Hour }, token.ErrExpiringKey},
	}
	r := newRig(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := happy()
			tt.edit(&c)
			if s, err := r.issuer.Sign(c); !errors.Is(err, tt.want) || !s.Token.IsEmpty() {
				t.Errorf("Sign = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, o := range []token.Options{{Keys: r.keys}, {Issuer: issuer}, {Issuer: "\xff", Keys: r.keys}} {
		if _, err := token.New(o); !errors.Is(err, token.ErrInvalidOptions) {
			t.Errorf("New(%+v) = %v, want %v", o, err, token.ErrInvalidOptions)
		}
	}
}

func TestSignWithoutRandomness(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	i, err := token.New(token.Options{Issuer: issuer, Keys: r.keys, Rand: strings.NewReader("short")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Sign(happy()); err == nil {
		t.Error("Sign made a token without a random id")
	}
}

// FuzzSign: whatever the names, the claims read back are those that were signed, and nothing is added.
func FuzzSign(f *testing.F) {
	f.Add("alice", "team/app", "pull")
	f.Add("", `","access":[{"type":"repository"`, "\x00")
	f.Add("\xff\u2028", `\u0022`, `"`)
	r := newRig(f)
	f.Fuzz(func(t *testing.T, subject, name, action string) {
		c := happy()
		c.Subject, c.Access = subject, []registry.Access{{Type: "repository", Name: name, Actions: []string{action}}}
		got, err := plainClaims(r.sign(t, c))
		if err != nil {
			t.Fatal(err)
		}
		valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
		entries, _ := got["access"].([]any)
		if len(got) != 8 || len(entries) != 1 {
			t.Fatalf("claims = %v", got)
		}
		entry, _ := entries[0].(map[string]any)
		if len(entry) != 3 || !same(got["sub"], valid(subject)) || !same(entry["name"], valid(name)) {
			t.Errorf("sub %q, entry %q from %q, %q", got["sub"], entry, subject, name)
		}
	})
}

// same compares texts in which a run of bytes that are not UTF-8 counts as one sign.
func same(got any, want string) bool {
	text, ok := got.(string)
	squeeze := func(s string) string {
		for strings.Contains(s, "\ufffd\ufffd") {
			s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
		}
		return s
	}
	return ok && squeeze(text) == squeeze(want)
}

func BenchmarkSign(b *testing.B) {
	for _, algorithm := range []string{token.ES256, token.RS256} {
		b.Run(algorithm, func(b *testing.B) {
			r := newRig(b, withRSA)
			c := happy()
			c.Algorithm = algorithm
			b.ReportAllocs()
			for b.Loop() {
				r.sign(b, c)
			}
		})
	}
}
