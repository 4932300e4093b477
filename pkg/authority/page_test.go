package authority_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
)

func TestPageHasEveryRefusal(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reference/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- refusals -->\n")
	table, _, _ := strings.Cut(rest, "<!-- end -->")
	var got []string
	for row := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			got = append(got, m[1])
		}
	}
	want := authority.Refusals()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the page has the reasons\n%q, want\n%q", got, want)
	}
}
