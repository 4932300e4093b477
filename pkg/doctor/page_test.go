package doctor_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/doctor"
)

// TestPageHasEveryCheck: the reference lists the checks, in their order.
func TestPageHasEveryCheck(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reference/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)## The checks\n(.*?)\n## `).FindSubmatch(text)
	if section == nil {
		t.Fatal("the page has no section of checks")
	}
	var listed []doctor.Check
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllSubmatch(section[1], -1) {
		listed = append(listed, doctor.Check(m[1]))
	}
	if !slices.Equal(listed, doctor.Checks()) {
		t.Errorf("the page lists %v, want %v", listed, doctor.Checks())
	}
}
