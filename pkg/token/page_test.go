package token_test

import (
	"os"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// TestPageNamesThePurpose: who makes a CA of their own copies the id from the page.
func TestPageNamesThePurpose(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/explanation/tokens-and-keys.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "extendedKeyUsage = " + token.Purpose().String() + "\n"; !strings.Contains(string(page), want) {
		t.Errorf("the page does not have the line %q", want)
	}
}
