package docstest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// TestConfigurationExcerpts: every key of an excerpt of wharfgate.yaml in the pages is one that the gate knows.
func TestConfigurationExcerpts(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range pages(t) {
		for _, b := range blocks(readPage(t, page)) {
			text := strings.Join(b.lines, "\n")
			if b.language != "yaml" || !strings.HasPrefix(page, "docs/howto/") && page != "README.md" ||
				regexp.MustCompile(`(?m)^(version|rules):|^ *- who:`).MatchString(text) {
				continue
			}
			found++
			var root yaml.Node
			if err := yaml.Unmarshal([]byte(text), &root); err != nil || len(root.Content) != 1 {
				t.Errorf("%s:%d: %v", page, b.line, err)
				continue
			}
			for _, path := range keyPaths(root.Content[0], "") {
				if !slices.ContainsFunc(config.AllKeys(), func(k config.Key) bool { return k.Path == path }) {
					t.Errorf("%s:%d: no key %s", page, b.line, path)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no excerpt was found")
	}
}

// TestKeysThatAreNamed: a key in backquotes with its section is one of the configuration.
func TestKeysThatAreNamed(t *testing.T) {
	t.Parallel()
	var sections, paths []string
	for _, k := range config.AllKeys() {
		paths = append(paths, k.Path, strings.ReplaceAll(k.Path, "directories[].", ""))
		if first, _, ok := strings.Cut(k.Path, "."); ok {
			sections = append(sections, regexp.QuoteMeta(first))
		}
	}
	slices.Sort(sections)
	sections = append(slices.Compact(sections), "cache", "groups", "users", "bind")
	named := regexp.MustCompile("`((?:" + strings.Join(sections, "|") + `)\.[a-z_.]+)[:` + "`]")
	for _, page := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(readPage(t, page), -1) {
			if !slices.Contains(paths, m[1]) && !regexp.MustCompile(`\.(go|crt|key|pw|yaml|log|pem)$`).MatchString(m[1]) {
				t.Errorf("%s: no key %s", page, m[1])
			}
		}
	}
}

// keyPaths lists the keys of a document as the configuration names them.
func keyPaths(n *yaml.Node, prefix string) []string {
	var paths []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			path := n.Content[i].Value
			if prefix != "" {
				path = prefix + "." + path
			}
			paths = append(append(paths, path), keyPaths(n.Content[i+1], path)...)
		}
	case yaml.SequenceNode:
		for _, entry := range n.Content {
			paths = append(paths, keyPaths(entry, prefix+"[]")...)
		}
	default:
	}
	return paths
}
