package registry_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

var update = flag.Bool("update", false, "write the generated part of the reference page")

// TestPageHasEveryProfile holds the reference page to the profiles, or writes it with -update.
func TestPageHasEveryProfile(t *testing.T) {
	t.Parallel()
	const page = "../../docs/reference/registries.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- profiles -->\n| software | `kind` | `key_form` | `algorithm` | the registry holds |\n|---|---|---|---|---|\n")
	for _, p := range registry.Profiles() {
		for _, w := range p.Ways {
			fmt.Fprintf(&b, "| %s | `%s` | `%s` | `%s` | %s |\n", p.Title, p.Kind, w.Form, strings.Join(w.Algorithms, "`, `"), w.Trust)
		}
	}
	b.WriteString("<!-- end -->\n")
	got := regexp.MustCompile(`(?s)<!-- profiles -->\n.*?<!-- end -->\n`).ReplaceAllLiteralString(string(text), b.String())
	switch {
	case got == string(text):
	case *update:
		if err := os.WriteFile(page, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the profiles in %s differ from the code; run go test ./pkg/registry -update", page)
	}
}
