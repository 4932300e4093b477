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
