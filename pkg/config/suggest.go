package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// unknown reports a key that the mapping does not have, with what was probably meant.
func (d *decoder) unknown(key *yaml.Node, path string, known map[string]reflect.StructField) {
	switch word := strings.ToLower(key.Value); {
	case strings.Contains(word, "password") || strings.Contains(word, "passwd") || strings.Contains(word, "secret"):
		d.add(key, path, "secrets are files: password_file", "put the secret into a file of its own, change it if this file was shared, and name that file")
		return
	case word == "<<":
		d.add(key, path, "is a merge key", "write the keys themselves")
		return
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	remedy := "known here: " + strings.Join(names, ", ")
	if near := nearest(key.Value, names); near != "" {
		remedy = fmt.Sprintf("did you mean %s?", near)
	} else if elsewhere := places(key.Value); len(elsewhere) > 0 {
		remedy = fmt.Sprintf("did you mean %s?", strings.Join(elsewhere, " or "))
	}
	d.add(key, path, "unknown key", remedy)
}

// places returns the paths at which a key of that name exists.
func places(name string) []string {
	var found []string
	for _, k := range AllKeys() {
		if strings.HasSuffix(k.Path, "."+name) || k.Path == name {
			found = append(found, k.Path)
		}
	}
	return found
}

// nearest returns the candidate that a word is a misspelling of, or "".
func nearest(word string, candidates []string) string {
	best, most := "", min(3, 1+len(word)/3)
	for _, c := range candidates {
		if n := distance(word, c); n < most {
			best, most = c, n
		}
	}
	return best
}

// distance is the number of single-letter edits between two words; a long word is never near.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
