package ldap

import (
	"context"
	"strconv"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// maxValues bounds how many values of one attribute are read.
const maxValues = 1_000_000

// allValues gives every value of an attribute of an entry. Where Active Directory gave only the first ones, under a
// name such as memberOf;range=0-1499 ([MS-ADTS] section 3.1.1.3.1.3.3), the others are read piece by piece. What
// cannot be read to the end is a fault.
func (b *Backend) allValues(ctx context.Context, prefer *server, e *goldap.Entry, attribute string) ([]string, *serverError) {
	p, ok := pieceOf(e, attribute, 0)
	values := p.values
	for ok && !p.last {
		more, f := b.read(ctx, prefer, e.DN, []string{attribute + ";range=" + strconv.Itoa(len(values)) + "-*"})
		if f != nil {
			return nil, f
		}
		if p, ok = pieceOf(more, attribute, len(values)); ok && len(p.values) == 0 {
			ok = false
		}
		values = append(values, p.values...)
		if len(values) > maxValues {
			return nil, &serverError{class: classConfig, step: "read " + attribute, text: "too many values"}
		}
	}
	if !ok {
		return nil, &serverError{class: classAway, step: "read " + attribute, text: "its values came in pieces that do not fit: they may have changed meanwhile"}
	}
	return values, nil
}

// piece is some of the values of an attribute.
type piece struct {
	values []string
	last   bool
}

// pieceOf gives the values that an entry has, which are to begin with number start; not ok if they do not fit.
func pieceOf(e *goldap.Entry, attribute string, start int) (piece, bool) {
	ranged := attribute + ";range="
	for _, a := range e.Attributes {
		if len(a.Name) < len(ranged) || !strings.EqualFold(a.Name[:len(ranged)], ranged) {
			continue
		}
		from, to, _ := strings.Cut(a.Name[len(ranged):], "-")
		if from != strconv.Itoa(start) {
			return piece{}, false
		}
		if to == "*" {
			return piece{a.Values, true}, true
		}
		return piece{a.Values, false}, len(a.Values) > 0 && to == strconv.Itoa(start+len(a.Values)-1)
	}
	return piece{e.GetEqualFoldAttributeValues(attribute), true}, start == 0
}
