package ldap

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// errSID means that bytes or a text are no security identifier.
var errSID = errors.New("not a security identifier")

const (
	sidRevision  = 1
	sidHeader    = 8  // revision, count, and an authority of 48 bits
	sidPart      = 4  // one sub-authority
	maxSIDParts  = 15 // [MS-DTYP] section 2.4.2
	sidAuthority = 6
)

// sid is a security identifier as Active Directory stores it ([MS-DTYP] section 2.4.2.2): comparable, and a key of
// maps. Make one with newSID or parseSID.
type sid string

// newSID takes the value of objectSid or tokenGroups. Every length is checked.
func newSID(raw []byte) (sid, error) {
	if len(raw) < sidHeader || raw[0] != sidRevision || raw[1] > maxSIDParts || len(raw) != sidHeader+sidPart*int(raw[1]) {
		return "", errSID
	}
	return sid(raw), nil
}

// parseSID reads the form S-1-5-21-1-2-3-512 ([MS-DTYP] section 2.4.2.1), in decimal and without needless zeros,
// so that each identifier has one text.
func parseSID(text string) (sid, error) {
	parts := strings.Split(text, "-")
	if len(parts) < 3 || len(parts) > 3+maxSIDParts || parts[0] != "S" || parts[1] != "1" {
		return "", errSID
	}
	authority, err := sidNumber(parts[2], 8*sidAuthority)
	if err != nil {
		return "", err
	}
	raw := make([]byte, 0, sidHeader+sidPart*maxSIDParts)
	raw = binary.BigEndian.AppendUint64(raw, authority) // of which the first two bytes are free
	raw[0], raw[1] = sidRevision, byte(len(parts)-3)
	for _, p := range parts[3:] {
		n, err := sidNumber(p, 8*sidPart)
		if err != nil {
			return "", err
		}
		raw = binary.LittleEndian.AppendUint32(raw, uint32(n))
	}
	return sid(raw), nil
}

// sidNumber reads a decimal of so many bits in its one form.
func sidNumber(text string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, errSID
	}
	return n, nil
}

// String gives the form S-1-5-21-1-2-3-512.
func (s sid) String() string {
	if len(s) < sidHeader {
		return ""
	}
	raw := []byte(s)
	authority := binary.BigEndian.Uint64(raw[:sidHeader]) & (1<<(8*sidAuthority) - 1)
	text := strconv.AppendUint([]byte("S-1-"), authority, 10)
	for part := raw[sidHeader:]; len(part) >= sidPart; part = part[sidPart:] {
		text = strconv.AppendUint(append(text, '-'), uint64(binary.LittleEndian.Uint32(part)), 10)
	}
	return string(text)
}

// sibling gives the identifier with another last part: the RID of another account or group of one domain.
func (s sid) sibling(rid uint32) (sid, error) {
	if len(s) <= sidHeader {
		return "", errSID
	}
	return sid(binary.LittleEndian.AppendUint32([]byte(s[:len(s)-sidPart]), rid)), nil
}

// builtin reports whether the identifier is one of S-1-5-32: groups that every Windows machine has of its own.
func (s sid) builtin() bool {
	const prefix = "\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00"
	return len(s) >= 2 && strings.HasPrefix(string(s[2:]), prefix)
}
