package registry_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// TestP65_WaysThatCannotWork: combinations that a registry refuses are errors that name the reason.
func TestP65_WaysThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind            registry.Kind
		form, algorithm string
		want            string
	}{
		{registry.Distribution30, "rfc7638", "ES256", "wrong thumbprint"},
		{registry.Distribution2, "x5c", "EdDSA", "Ed25519"},
		{registry.Distribution2, "jwks", "ES256", "no JWKS"},
		{registry.Distribution2, "rfc7638", "RS256", "libtrust fingerprint"},
		{registry.Distribution3, "libtrust", "EdDSA", "libtrust knows no Ed25519"},
		{registry.Distribution, "jwks", "ES256", "set kind"},
		{registry.Distribution, "rfc7638", "ES256", "set kind"},
		{registry.Zot, "x5c", "ES256", "its one key"},
		{registry.Distribution3, "x5c", "HS256", "use x5c with ES256"},
		{"", "x5c", "EdDSA", "Ed25519"},
	} {
		if _, err := registry.ProfileOf(test.kind).Way(test.form, test.algorithm); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s %s: %v, want %q", test.kind, test.form, test.algorithm, err, test.want)
		}
	}
}

// TestProfilesAreWhole: each has a kind, a title and a first way, and refuses nothing that works.
func TestProfilesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[registry.Kind]bool{}
	for _, p := range registry.Profiles() {
		if p.Kind == "" || p.Title == "" || len(p.Ways) == 0 || seen[p.Kind] {
			t.Errorf("%+v is not whole, or is there twice", p)
		}
		seen[p.Kind] = true
		for _, w := range p.Ways {
			for _, a := range w.Algorithms {
				if got, err := p.Way(w.Form, a); err != nil || got.Trust != w.Trust {
					t.Errorf("%s: %s with %s: %v, %v", p.Kind, w.Form, a, got, err)
				}
				if why := p.Refusals[w.Form+"/"+a]; why != "" {
					t.Errorf("%s: %s with %s works and is refused: %s", p.Kind, w.Form, a, why)
				}
			}
		}
	}
}
