package config_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// FuzzParse holds that no text makes Parse panic, that every fault has a message of one line, that the answer
// is the same every time, and that what was accepted is still valid when it is written out and read again.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/valid-*.yaml", "testdata/invalid-*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			f.Add(read(f, path))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("w.yaml", data)
		again, errAgain := config.Parse("w.yaml", data)
		if fmt.Sprintf("%#v", err) != fmt.Sprintf("%#v", errAgain) || !reflect.DeepEqual(c, again) {
			t.Fatalf("Parse is not deterministic: %v, then %v", err, errAgain)
		}
		if err == nil {
			if err := c.Validate(); err != nil {
				t.Fatalf("Validate after Parse = %v", err)
			}
			roundTrip(t, c)
			return
		}
		faults, ok := errors.AsType[config.Faults](err)
		if !ok || len(faults) == 0 {
			t.Fatalf("Parse = %#v, want Faults", err)
		}
		for _, fault := range faults {
			if fault.Message == "" || fault.File == "" || strings.ContainsAny(fault.Error(), "\n\x00") {
				t.Errorf("fault %#v", fault)
			}
		}
	})
}
