package activedirectory_test

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// sidText writes a security identifier as people do (MS-DTYP 2.4.2).
func sidText(t *testing.T, b []byte) string {
	t.Helper()
	const head, part = 8, 4
	if len(b) < head || len(b) != head+part*int(b[1]) {
		t.Fatalf("this is no SID: %x", b)
	}
	text := fmt.Sprintf("S-%d-%d", b[0], b[7])
	for rest := b[head:]; len(rest) > 0; rest = rest[part:] {
		text += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(rest))
	}
	return text
}

// guidText writes a GUID as people do (MS-DTYP 2.3.4).
func guidText(t *testing.T, b []byte) string {
	t.Helper()
	if len(b) != 16 {
		t.Fatalf("this is no GUID: %x", b)
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}
