package policytest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// compileSchema reads the schema that the binary prints.
func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(policyfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// errNoJSON means that a document has something that JSON does not have.
var errNoJSON = errors.New("not expressible in JSON")

// asJSON gives what an editor sees of a node.
func asJSON(n *yaml.Node) (any, error) {
	switch {
	case n.Anchor != "", n.Kind == yaml.AliasNode, n.Style&yaml.TaggedStyle != 0:
		return nil, errNoJSON
	case n.Kind == yaml.SequenceNode:
		all := []any{}
		for _, item := range n.Content {
			v, err := asJSON(item)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, nil
	case n.Kind == yaml.MappingNode:
		return mappingAsJSON(n)
	case n.Kind == yaml.ScalarNode:
		return scalarAsJSON(n), nil
	default:
		return nil, errNoJSON
	}
}

// mappingAsJSON refuses keys that JSON does not have.
func mappingAsJSON(n *yaml.Node) (any, error) {
	all := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if _, twice := all[key.Value]; twice || key.Kind != yaml.ScalarNode || key.Tag == "!!merge" || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
			return nil, errNoJSON
		}
		v, err := asJSON(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		all[key.Value] = v
	}
	return all, nil
}

// scalarAsJSON gives a text, null, a boolean or a number. Dates are texts.
func scalarAsJSON(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if n.Value == "1" {
			return json.Number("1")
		}
		return json.Number("7")
	case "!!float":
		return json.Number("0.5")
	default:
		return n.Value
	}
}

// structural are the faults that a schema sees, too.
func structural() []policyfile.Code {
	return []policyfile.Code{
		policyfile.CodeEmpty, policyfile.CodeWrongType, policyfile.CodeUnknownKey, policyfile.CodeMissingKey, policyfile.CodeVersion,
		policyfile.CodeCanOrCannot, policyfile.CodeUnknownAction, policyfile.CodeCatalogWithRepos, policyfile.CodeBadAlias,
		policyfile.CodeDuplicate, policyfile.CodeNoteTooLong,
	}
}

// compare holds both answers to one document against each other, and tells whether the schema takes it.
func compare(t testing.TB, s *jsonschema.Schema, text []byte) (compared, accepted bool) {
	t.Helper()
	var root yaml.Node
	if len(text) > 1<<16 || yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 {
		return false, false
	}
	value, err := asJSON(root.Content[0])
	if err != nil {
		return false, false
	}
	r := policyfile.Check(t.Context(), "policy.yaml", text, policyfile.Options{
		Directories: map[string]policyfile.Directory{"corp": {GroupsBaseDN: "ou=groups,dc=corp"}},
	})
	refusal := s.Validate(value)
	if refusal != nil && len(r.Faults) == 0 {
		t.Fatalf("the schema refuses what the validator takes: %v\n%s", refusal, text)
	}
	if refusal != nil {
		return true, false
	}
	for _, f := range r.Faults {
		if slices.Contains(structural(), f.Code) {
			t.Fatalf("the schema takes what the validator refuses: %s\n%s", f.Error(), text)
		}
	}
	return true, true
}

// seeds are the good and the bad documents of the validator's own tests.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../pkg/policy/policyfile/testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	var all [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// words are what documents are made of here.
func words() []string {
	return []string{
		"version: 1", "rules:", "- who: anyone", "- who: [group:a, user:b, robot:c]", "  who: signed-in", "  can: pull", "  can: [push, delete]",
		"  can: catalog", "  can: [catalog, pull]", "  cannot: everything", "  cannot: [catalog]", "  repos: a/**", "  repos: '**'", "  repos: ['**']",
		"  repos: [a/*, b]", "  repos: [a, a]", "  repos: []", "  repos:", "  repos: 7", "  except: group:x", "  except: everyone", "  on: registry",
		"  on: []", "  from: 10.0.0.0/8", "  from: 10", "  since: 2026-01-01", "  until: 2026-12-31T10:00Z", "  until: soon", "  until: 20261231",
		"  note: x", "  note: ''", "  note: 5", "  notes: x", "tests:", "- as: {}", "- as: {user: a, groups: [b]}", "- as: {robot: c, at: 2026-01-01}",
		"- as: {robot: c, user: a}", "- as:", "- as: {name: x}", "  can: push a/b", "  can: [catalog, push a]", "  cannot: push a b", "  cannot: push",
		"groups: {a: b}", "groups: {A: b}", "groups: {a: [b, b]}", "groups: {a: }", "groups: []", "version: 2", "version: '1'", "rules: []", "rules: {}",
		"tests: []", "- {}", "- 1", "-", "---",
		"- who: user-id:3f2a", "- as: {user-id: 3f2a, user: a}", "- as: {robot: c, user-id: a}",
	}
}

// TestSchemaAgreesWithTheValidator: what the schema refuses has a fault, and what it takes has none of those
// that a schema can see.
func TestSchemaAgreesWithTheValidator(t *testing.T) {
	t.Parallel()
	s := compileSchema(t)
	accepted := 0
	count := func(text []byte) {
		if _, ok := compare(t, s, text); ok {
			accepted++
		}
	}
	all := seeds(t)
	for _, seed := range all {
		count(seed)
	}
	if accepted < 3 {
		t.Errorf("the schema takes %d of the documents", accepted)
	}
	r := rand.New(rand.NewPCG(1, 2))
	accepted = 0
	for range 3000 {
		count(mix(r, all))
	}
	if accepted < 300 {
		t.Errorf("the schema takes %d documents of 3000: this shows little", accepted)
	}
}

// mix makes a document of words, or changes lines of another one.
func mix(r *rand.Rand, all [][]byte) []byte {
	known := words()
	if r.IntN(2) == 0 {
		lines := []string{"version: 1", "rules:"}
		for range 1 + r.IntN(3) {
			lines = append(lines, known[2+r.IntN(2)], known[5+r.IntN(6)], known[11+r.IntN(4)])
			for range r.IntN(3) {
				lines = append(lines, known[19+r.IntN(14)])
			}
		}
		return []byte(strings.Join(lines, "\n") + "\n")
	}
	lines := strings.Split(string(all[r.IntN(len(all))]), "\n")
	for range 1 + r.IntN(3) {
		at := r.IntN(len(lines))
		switch r.IntN(3) {
		case 0:
			lines[at] = known[r.IntN(len(known))]
		case 1:
			lines = slices.Delete(lines, at, at+1)
		default:
			lines = slices.Insert(lines, at, known[r.IntN(len(known))])
		}
		if len(lines) == 0 {
			return nil
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

func FuzzSchema(f *testing.F) {
	s := compileSchema(f)
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) { compare(t, s, text) })
}

// TestCompareCanFail: the comparison is worth something.
func TestCompareCanFail(t *testing.T) {
	t.Parallel()
	s := compileSchema(t)
	for text, want := range map[string][2]bool{
		"version: 1\nrules: []\n":                                          {true, true},
		"version: 1\nrules: [{who: anyone, can: pull}]\n":                  {true, false},
		"version: 1\nrules: &x []\n":                                       {false, false},
		"version: 1\nrules: [{who: anyone, can: pull, repos: x, on: 5}]\n": {true, false},
	} {
		if compared, accepted := compare(t, s, []byte(text)); compared != want[0] || accepted != want[1] {
			t.Errorf("%q: compared %v, accepted %v, want %v", text, compared, accepted, want)
		}
	}
}
