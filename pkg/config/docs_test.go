package config_test

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

const page = "../../docs/reference/config.md"

// TestPageHasEveryKey writes (-update) or checks the generated parts of the reference page, and that each key
// is in exactly one of its tables.
func TestPageHasEveryKey(t *testing.T) {
	t.Parallel()
	text := string(read(t, page))
	blocks := regexp.MustCompile(`(?s)<!-- keys(?: ([^ ]+))? -->\n.*?<!-- end -->\n`)
	seen := make(map[string]int)
	got := blocks.ReplaceAllStringFunc(text, func(block string) string {
		m := blocks.FindStringSubmatch(block)
		head, _, _ := strings.Cut(block, "\n")
		return head + "\n" + table(m[1], seen) + "<!-- end -->\n"
	})
	for _, k := range config.AllKeys() {
		if seen[k.Path] != 1 {
			t.Errorf("%s is in %d tables of %s, want 1", k.Path, seen[k.Path], page)
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != text {
		t.Errorf("the tables of %s differ from the struct tags; run go test ./pkg/config -update", page)
	}
}

// table writes one generated part.
func table(group string, seen map[string]int) string {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, k := range config.AllKeys() {
		if parent, name := split(k.Path); parent == group {
			seen[k.Path]++
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, k.Type, preset(k), meaning(k))
		}
	}
	return b.String()
}

// split cuts the last part off a path.
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)], path[i+1:]
}

func preset(k config.Key) string {
	switch {
	case k.Default != "":
		return "`" + k.Default + "`"
	case k.Required:
		return "**required**"
	default:
		return ""
	}
}

// meaning joins what is said about a key.
func meaning(k config.Key) string {
	s := k.Doc
	if len(k.Values) > 1 {
		s += " Values: " + words(k.Values) + "."
	}
	if k.Min != "" {
		s += fmt.Sprintf(" From `%s` to `%s`.", k.Min, k.Max)
	}
	if k.Example != "" {
		s += fmt.Sprintf(" Example: `%s`.", k.Example)
	}
	if k.Type == "mapping" || k.Type == "list of mapping" {
		s += " See " + anchor(k.Path) + "."
	}
	return s
}

// anchor links to the section of a mapping.
func anchor(path string) string {
	return fmt.Sprintf("[%s](#%s)", path, strings.ToLower(regexp.MustCompile(`[^a-z_-]`).ReplaceAllString(path, "")))
}

func words(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

// TestPageExampleIsValid reads the YAML of the page.
func TestPageExampleIsValid(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(read(t, page)), -1)
	if len(blocks) == 0 {
		t.Fatal("no YAML in the page")
	}
	for _, b := range blocks {
		if _, err := config.Parse("page.yaml", []byte(b[1])); err != nil {
			t.Errorf("%v in\n%s", err, cmp.Or(b[1], "nothing"))
		}
	}
}
