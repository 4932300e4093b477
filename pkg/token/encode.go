package token

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// normal checks claims and brings their access list into its one form.
func normal(c Claims) (Claims, error) {
	if c.Algorithm == "" {
		c.Algorithm = ES256
	}
	if c.Audience == "" {
		return c, fmt.Errorf("%w: no audience", ErrInvalidClaims)
	}
	if c.Lifetime < MinLifetime || c.Lifetime%time.Second != 0 {
		return c, fmt.Errorf("%w: a life of %v (whole seconds, %v at least)", ErrInvalidClaims, c.Lifetime, MinLifetime)
	}
	if !isNormal(c.Access) {
		c.Access = normalAccess(c.Access)
	}
	return c, nil
}

// isNormal reports whether an access list has one entry a resource, in order, with actions in order.
func isNormal(access []registry.Access) bool {
	for i, a := range access {
		if len(a.Actions) == 0 || i > 0 && compareResources(access[i-1], a) >= 0 {
			return false
		}
		for k := 1; k < len(a.Actions); k++ {
			if a.Actions[k-1] >= a.Actions[k] {
				return false
			}
		}
	}
	return true
}

// normalAccess sorts a copy of an access list, unites entries for the same resource as registries do, and
// drops those without actions.
func normalAccess(access []registry.Access) []registry.Access {
	sorted := slices.Clone(access)
	slices.SortStableFunc(sorted, compareResources)
	united := sorted[:0]
	for _, a := range sorted {
		if len(a.Actions) == 0 {
			continue
		}
		actions := a.Actions
		if n := len(united); n > 0 && compareResources(united[n-1], a) == 0 {
			actions = slices.Concat(united[n-1].Actions, actions)
			united = united[:n-1]
		}
		actions = slices.Clone(actions)
		slices.Sort(actions)
		a.Actions = slices.Compact(actions)
		united = append(united, a)
	}
	return united
}

// compareResources orders access entries by type and name.
func compareResources(a, b registry.Access) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
}

// appendClaims writes all claims that come after the issuer, and closes the object.
func appendClaims(b []byte, c Claims, begin, expiry int64) []byte {
	b = appendString(append(b, `,"sub":`...), c.Subject)
	b = appendString(append(b, `,"aud":`...), c.Audience)
	b = strconv.AppendInt(append(b, `,"exp":`...), expiry, 10)
	b = strconv.AppendInt(append(b, `,"nbf":`...), begin, 10)
	b = strconv.AppendInt(append(b, `,"iat":`...), begin, 10)
	b = appendString(append(b, `,"jti":`...), c.ID)
	b = append(b, `,"access":[`...)
	for i, a := range c.Access {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendAccess(b, a)
	}
	return append(b, "]}"...)
}

// appendAccess writes one entry of the access claim.
func appendAccess(b []byte, a registry.Access) []byte {
	b = appendString(append(b, `{"type":`...), a.Type)
	b = appendString(append(b, `,"name":`...), a.Name)
	b = append(b, `,"actions":[`...)
	for i, action := range a.Actions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, action)
	}
	return append(b, "]}"...)
}

// appendString writes a JSON string (RFC 8259 section 7). What is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendEscaped is appendString for the rare text that needs more than quotes.
func appendEscaped(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // no string is known to fail
		return append(b, `""`...)
	}
	return append(b, quoted...)
}
