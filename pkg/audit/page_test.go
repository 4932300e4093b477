package audit_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
)

// section gives what stands between two marks of the reference page.
func section(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/reference/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "<!-- "+name+" -->\n")
	text, _, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("the page has no part %q", name)
	}
	return text
}

// fields lists the JSON fields below a type, those of structs and lists of structs by their path.
func fields(typ reflect.Type, prefix string) (all []string) {
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch path := prefix + name; {
		case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[time.Time]():
			all = append(all, fields(f.Type, path+".")...)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			all = append(append(all, path), fields(f.Type.Elem(), path+"[].")...)
		default:
			all = append(all, path)
		}
	}
	return all
}

func TestPageHasEveryField(t *testing.T) {
	t.Parallel()
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section(t, "fields"), -1) {
		got = append(got, m[1])
	}
	if want := fields(reflect.TypeFor[audit.Record](), ""); !slices.Equal(got, want) {
		t.Errorf("the page has the fields\n%q, want those of Record in their order:\n%q", got, want)
	}
}

func TestPageExample(t *testing.T) {
	t.Parallel()
	text := strings.TrimSuffix(strings.TrimPrefix(section(t, "example"), "```json\n"), "```\n")
	var got bytes.Buffer
	if err := json.Compact(&got, []byte(text)); err != nil {
		t.Fatalf("the example: %v", err)
	}
	golden, err := os.ReadFile("testdata/records.golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if want, _, _ := strings.Cut(string(golden), "\n"); got.String() != want {
		t.Errorf("the example is\n%s\nwant the first golden record\n%s", got.String(), want)
	}
}
