package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestP72_SecretNeverPrints: no way of printing shows the text.
func TestP72_SecretNeverPrints(t *testing.T) {
	t.Parallel()
	const text = "hunter2-unprintable"
	s := identity.NewSecret(text)
	held := struct {
		Password identity.Secret
		Pointer  *identity.Secret
	}{s, &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", held)
		fmt.Fprintf(&out, verb+"\n", &s)
	}
	if err := json.NewEncoder(&out).Encode(held); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "held", held)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "held", held)
	for _, leak := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printed output holds %q:\n%s", leak, out.String())
		}
	}
	if s.Reveal() != text {
		t.Errorf("Reveal() = %q, want the text", s.Reveal())
	}
}
