package tap

import (
	"fmt"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// InPieces makes a directory of Active Directory give the values of an attribute so many at a time, as Windows does with
// 1500: whoever asks for all of them gets the first ones, under the name of their range. The pieces are the
// directory's own; only the question is changed.
func (p *Tap) InPieces(attribute string, values int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limited, p.limit = attribute, values
}

// limitValues changes a request for all values of the limited attribute to one for a piece of them.
func (p *Tap) limitValues(raw []byte) []byte {
	p.mu.Lock()
	attribute, limit := p.limited, p.limit
	p.mu.Unlock()
	packet, err := ber.DecodePacketErr(raw)
	if attribute == "" || err != nil || len(packet.Children) < 2 || Operation(packet.Children[1].Tag) != Search {
		return raw
	}
	search := packet.Children[1]
	const attributes = 7
	names := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for _, a := range search.Children[attributes].Children {
		names.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, piece(a.Data.String(), attribute, limit), ""))
	}
	changed := ber.Encode(ber.ClassApplication, ber.TypeConstructed, search.Tag, nil, "")
	for _, c := range search.Children[:attributes] {
		changed.AppendChild(c)
	}
	changed.AppendChild(names)
	message := ber.NewSequence("")
	message.AppendChild(packet.Children[0])
	message.AppendChild(changed)
	for _, controls := range packet.Children[2:] {
		message.AppendChild(controls)
	}
	return message.Bytes()
}

// piece bounds the range of an attribute's name, or gives it one.
func piece(name, attribute string, limit int) string {
	bare, options, ranged := strings.Cut(name, ";range=")
	if !strings.EqualFold(bare, attribute) {
		return name
	}
	first := 0
	if ranged {
		from, _, _ := strings.Cut(options, "-")
		first, _ = strconv.Atoi(from)
	}
	return fmt.Sprintf("%s;range=%d-%d", bare, first, first+limit-1)
}
