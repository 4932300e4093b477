package policyfile

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// sliceOptions are enough for the documents below.
func sliceOptions() Options {
	return Options{Directories: map[string]Directory{"corp": {GroupsBaseDN: "ou=groups,dc=corp"}}}
}

// sliceSeeds are documents that are cut, and some that must not be, although they look so.
func sliceSeeds() []string {
	return []string{
		"version: 1\nrules:\n  - who: anyone\n    can: pull\n    repos: a/**\n  - {who: group:b, cannot: push, repos: b/**}\n\n  # end\ngroups:\n  c: [d]\n",
		"version: 1\nrules:\n- who: anyone\n  can: pull\n  repos: a/**\n- {who: group:b, cannot: push,\n   repos: b/**}\ngroups: {c: [d]}\n",
		"version: 1\r\nrules: # all\r\n\r\n  - who: anyone\r\n    can: pul\r\n    repos: a/**\r\n  -\r\n    who: x\r\n    can: pull\r\n",
		"version: 1\nrules:\n  - who: \"a\n  - b\"\n    can: pull\n  - who: anyone\n    can: pull\n    repos: a\n",
		"version: 1\nrules:\n  - who: [anyone,\n  - b]\n    can: pull\n  - who: anyone\n    can: pull\n    repos: a\n",
		"version: 1\nnote: \"\nrules:\n  - x\n  - y\n\"\nrules:\n  - who: anyone\n    can: pull\n    repos: a\n",
		"version: 1\nnote: |\n rules:\n   - x\nrules:\n  - who: anyone\n    can: pull\n    note: |+\n      - a\n\n  - who: anyone\n    can: pull\n    repos: *a\n",
		"version: 1\nrules:\n  - who: &a anyone\n    can: pull\n    repos: a\n  - who: *a\n    can: pull\n    repos: b\n",
		"version: 1\nrules:\n  - who: anyone\n    can: pull\n    repos: a\n foo: bar\n  - who: anyone\n",
		"version: 1\nrules:\n  - a\nrules:\n  - b\n",
		"rules:\n  - - - - - - - - - - - - - - - - - a\n  - b\n",
		"rules:\n  - [[[[[[[[[[[[[[a]]]]]]]]]]]]]]\n  - [[[[[[[[[[[[[a]]]]]]]]]]]]]\n",
		"%TAG !e! tag:e,2000:\n---\nrules:\n  - !e!x a\n  - b\n",
		"rules:\n  - a: b\n    - c\n  - d\n...\n---\nx: y\n",
		"rules:\n\t- a\n  - b\n",
		"rules:\n  - a\n  - ? b\n    : c\n  -\n  - \"\n\n- who\"\ntests: []\n",
		"rules: &x\n  - a\n  - b\n", "rules: !!seq\n  - a\n  - b\n", "? rules\n:\n  - a\n  - b\n", "{rules:\n  - a}\n", "rules:\n  - a\n  - b: |1\n  c\n  - d\n",
	}
}

// sameAsWhole reports how a document differs when it is read in the smallest slices.
func sameAsWhole(text string) error {
	whole, wholeFaults := readBy("p.yaml", []byte(text), sliceOptions(), math.MaxInt)
	pieces, pieceFaults := readBy("p.yaml", []byte(text), sliceOptions(), 0)
	wholeFaults, pieceFaults = wholeFaults.sorted("faults"), pieceFaults.sorted("faults")
	switch {
	case !reflect.DeepEqual(wholeFaults, pieceFaults):
		return fmt.Errorf("faults\n%s\nin slices\n%s", wholeFaults.Text(), pieceFaults.Text())
	case len(whole.rules)+len(pieces.rules) > 0 && !reflect.DeepEqual(whole.rules, pieces.rules):
		return fmt.Errorf("rules %+v\nin slices %+v", whole.rules, pieces.rules)
	case len(whole.holds) != len(pieces.holds):
		return fmt.Errorf("%d holds, in slices %d", len(whole.holds), len(pieces.holds))
	}
	for i := range whole.holds {
		a, b := whole.holds[i], pieces.holds[i]
		if a.groupRef != b.groupRef || a.rule != b.rule || a.subject != b.subject || a.node.Line != b.node.Line || a.node.Column != b.node.Column {
			return fmt.Errorf("hold %d is %+v, in slices %+v", i, a, b)
		}
	}
	return nil
}

// TestSlices: reading a document in pieces changes nothing, neither rules nor faults nor their places.
func TestSlices(t *testing.T) {
	t.Parallel()
	for _, text := range sliceSeeds() {
		if err := sameAsWhole(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// TestSlicesAreUsed: an ordinary document is cut, so that the test before shows something.
func TestSlicesAreUsed(t *testing.T) {
	t.Parallel()
	for i, text := range sliceSeeds()[:3] {
		p := newParser("p.yaml", &source{text: []byte(text)}, sliceOptions())
		if !p.sliced([]byte(text), 0) {
			t.Errorf("document %d is read as a whole", i)
		}
	}
	const rules = 3000
	text := "version: 1\nrules:\n" + strings.Repeat("  - {who: anyone, can: pull, repos: a/**, note: some text}\n", rules)
	if c := cut([]byte(text), sliceBytes); c == nil || c.rules != rules || len(c.slices) != (len(text)-len("version: 1\nrules:\n"))/sliceBytes+1 {
		t.Errorf("cut gives %d rules in %d slices", c.rules, len(c.slices))
	}
}

// FuzzSlices: see TestSlices.
func FuzzSlices(f *testing.F) {
	for _, text := range sliceSeeds() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := sameAsWhole(text); err != nil {
			t.Error(err)
		}
	})
}
