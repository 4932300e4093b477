package ldap

import (
	"encoding/hex"
	"errors"
	"slices"
)

// errGUID means that bytes or a text are no GUID.
var errGUID = errors.New("not a GUID")

const (
	guidSize = 16
	guidText = 36
)

// guid is an objectGUID as Active Directory stores it: the first three fields little-endian ([MS-DTYP]
// section 2.3.4.2).
type guid [guidSize]byte

// newGUID takes the value of objectGUID.
func newGUID(raw []byte) (guid, error) {
	if len(raw) != guidSize {
		return guid{}, errGUID
	}
	return guid(raw), nil
}

// parseGUID reads the form of [MS-DTYP] section 2.3.4.3 without braces, in lower case only, so that each GUID has
// one text.
func parseGUID(text string) (guid, error) {
	if len(text) != guidText {
		return guid{}, errGUID
	}
	var digits []byte
	for i := range len(text) {
		c := text[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		switch {
		case dash != (c == '-'), 'A' <= c && c <= 'F':
			return guid{}, errGUID
		case !dash:
			digits = append(digits, c)
		}
	}
	var g guid
	if _, err := hex.Decode(g[:], digits); err != nil {
		return guid{}, errGUID
	}
	return g.swapped(), nil
}

// String gives the form 00112233-4455-6677-8899-aabbccddeeff.
func (g guid) String() string {
	g = g.swapped()
	text := hex.AppendEncode(make([]byte, 0, guidText), g[:])
	for _, at := range []int{8, 13, 18, 23} {
		text = slices.Insert(text, at, '-')
	}
	return string(text)
}

// swapped turns the bytes of the first three fields around, which is its own inverse.
func (g guid) swapped() guid {
	slices.Reverse(g[0:4])
	slices.Reverse(g[4:6])
	slices.Reverse(g[6:8])
	return g
}
