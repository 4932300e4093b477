package token

import (
	"errors"
	"strings"
	"testing"
)

// TestKeysOfOthers: a key that somebody else could replace is refused, and root is not told to take it from the gate.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		owner, us int
		remedy    string // empty: it is taken
	}{
		"ours":                 {998, 998, ""},
		"of root":              {0, 998, ""},
		"of root, for root":    {0, 0, ""},
		"of another":           {1000, 998, "chown 998 ca.key"},
		"of the gate, to root": {998, 0, "sudo -u '#998'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ownerFault("ca.key", "the key", tt.owner, tt.us, ErrInvalidCA)
			switch {
			case tt.remedy == "" && err != nil:
				t.Errorf("ownerFault(%d, %d) = %v, want nil", tt.owner, tt.us, err)
			case tt.remedy != "" && (!errors.Is(err, ErrInvalidCA) || !strings.Contains(err.Error(), tt.remedy)):
				t.Errorf("ownerFault(%d, %d) = %v, want ErrInvalidCA with %q", tt.owner, tt.us, err, tt.remedy)
			}
		})
	}
}
