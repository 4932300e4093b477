package identity

import (
	"fmt"
	"log/slog"
)

// redacted is what every way of printing a Secret shows.
const redacted = "[redacted]"

// Secret is a text that must not be printed: a password, a refresh token, a key. Every formatting verb,
// encoder and logger shows a constant instead of it. The zero Secret is empty.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text. It is called only where the secret is sent or hashed.
func (s Secret) Reveal() string { return s.text }

// IsEmpty reports whether there is no secret at all.
func (s Secret) IsEmpty() bool { return s.text == "" }

// String implements [fmt.Stringer] with a constant.
func (s Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer] with a constant.
func (s Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter] with a constant, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements [encoding.TextMarshaler] with a constant.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer] with a constant.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
