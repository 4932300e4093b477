package docstest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reachable are the pages that a reader of the README comes to by links alone. A link to a folder leads to its README.
func reachable(t *testing.T) []string {
	t.Helper()
	link := regexp.MustCompile(`\]\(([^)\s#]+)`)
	found, next := []string{}, []string{"README.md"}
	for len(next) > 0 {
		page := next[0]
		next = next[1:]
		if slices.Contains(found, page) {
			continue
		}
		found = append(found, page)
		for _, m := range link.FindAllStringSubmatch(readPage(t, page), -1) {
			path := filepath.Join(filepath.Dir(page), m[1])
			if strings.HasSuffix(m[1], "/") {
				path = filepath.Join(path, "README.md")
			}
			if _, err := os.Stat(filepath.Join(root, path)); err == nil && strings.HasSuffix(path, ".md") {
				next = append(next, path)
			}
		}
	}
	return found
}

// TestEveryPageIsReachable: nobody has to know the name of a page to find it.
func TestEveryPageIsReachable(t *testing.T) {
	t.Parallel()
	found := reachable(t)
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "docs/") && !slices.Contains(found, page) {
			t.Errorf("%s: no link leads to it from README.md", page)
		}
	}
}

// TestMapOfPackages: the walk through the code names every package.
func TestMapOfPackages(t *testing.T) {
	t.Parallel()
	const page = "docs/explanation/how-a-request-flows.md"
	plan := blocks(readPage(t, page))[0]
	named := regexp.MustCompile(`\w+`).FindAllString(strings.Join(plan.lines, "\n"), -1)
	err := filepath.WalkDir(filepath.Join(root, "pkg"), func(path string, _ fs.DirEntry, err error) error {
		if name := filepath.Base(filepath.Dir(path)); filepath.Base(path) == "doc.go" && !slices.Contains(named, name) {
			t.Errorf("%s: does not name package %s", page, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
