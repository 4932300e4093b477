package docstest_test

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMetricsThatAreNamed: every metric that a page or an alert names is one that a running gate shows, and every
// metric of a running gate is in the reference.
func TestMetricsThatAreNamed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.serve(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.listen+"/token?service=registry.corp.example&scope=repository:payments/api:pull", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("alice", "wonderland")
	get(t, request)
	request, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.operators+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (wharfgate_\w+) `).FindAllStringSubmatch(get(t, request), -1) {
		known = append(known, m[1])
	}
	reference := readPage(t, "docs/reference/metrics.md")
	for _, name := range known {
		if !strings.Contains(reference, "`"+name+"`") && !strings.Contains(reference, "`"+name+"{") {
			t.Errorf("docs/reference/metrics.md does not have %s", name)
		}
	}
	known = append(known, inSource(t)...) // some have no series without TLS
	named := regexp.MustCompile(`\bwharfgate_[a-z0-9_]+[a-z0-9]\b`)
	for _, path := range append(pages(t), deployed(t)...) {
		for _, name := range named.FindAllString(readPage(t, path), -1) {
			if !isMetric(known, name) {
				t.Errorf("%s: no metric %s", path, name)
			}
		}
	}
}

// isMetric reports whether a name is a metric, a series of one, or the beginning of several.
func isMetric(known []string, name string) bool {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && slices.Contains(known, base) {
			return true
		}
	}
	return slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, name+"_") })
}

func get(t *testing.T, r *http.Request) string {
	t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s (%v)\n%s", r.URL.Path, answer.Status, err, text)
	}
	return string(text)
}

// inSource are the names of all metrics in the source of the collectors.
func inSource(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "pkg/metrics/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		text := readPage(t, strings.TrimPrefix(file, root+string(os.PathSeparator)))
		for _, m := range regexp.MustCompile(`"(wharfgate_\w+)"`).FindAllStringSubmatch(text, -1) {
			found = append(found, m[1])
		}
	}
	return found
}

// deployed are the files in deploy/ that name metrics.
func deployed(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(root, "deploy"), func(path string, d fs.DirEntry, err error) error {
		if d != nil && !d.IsDir() && (filepath.Ext(path) == ".yaml" || filepath.Ext(path) == ".json") {
			found = append(found, strings.TrimPrefix(path, root+string(os.PathSeparator)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
