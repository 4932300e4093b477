package main

import (
	"errors"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// twoDirectories is a configuration with names like those that people type.
func twoDirectories() config.Config {
	return config.Config{Directories: []config.Directory{{Name: "corp"}, {Name: "partner.example"}}}
}

// TestQualified: what follows the last @ is a directory only where it is one's name.
func TestQualified(t *testing.T) {
	t.Parallel()
	tests := []struct{ typed, directory, user string }{
		{"alice", "", "alice"},
		{"alice@corp", "corp", "alice"},
		{"alice@partner.example", "partner.example", "alice"},
		{"alice@corp.example@corp", "corp", "alice@corp.example"},
		{"alice@corp.example", "", "alice@corp.example"},
		{"alice@CORP", "", "alice@CORP"},
		{"@corp", "", "@corp"},
		{`CORP\alice`, "", `CORP\alice`},
		{"", "", ""},
	}
	for _, tt := range tests {
		if directory, user := qualified(twoDirectories(), tt.typed); directory != tt.directory || user != tt.user {
			t.Errorf("qualified(%q) = %q, %q, want %q, %q", tt.typed, directory, user, tt.directory, tt.user)
		}
	}
}

func TestKnownDirectory(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"": true, "corp": true, "partner.example": true, "lab": false, "Corp": false} {
		err := knownDirectory(twoDirectories(), name)
		if _, usage := errors.AsType[*usageError](err); known != (err == nil) || !known && !usage {
			t.Errorf("knownDirectory(%q) = %v, want known: %v", name, err, known)
		}
	}
}
