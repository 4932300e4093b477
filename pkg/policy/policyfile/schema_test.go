package policyfile_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// TestSchemaIsPublished: the file for editors is the schema of the binary.
func TestSchemaIsPublished(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/policy.schema.json"
	if *update {
		if err := os.WriteFile(path, policyfile.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, policyfile.Schema()) {
		t.Errorf("docs/policy.schema.json is another one (%v); run go test -update", err)
	}
}

// TestSchemaHasEveryKey: the keys of the schema are those that the validator offers for an unknown one.
func TestSchemaHasEveryKey(t *testing.T) {
	t.Parallel()
	type object struct {
		Properties map[string]json.RawMessage
	}
	var s struct {
		object

		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(policyfile.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	var as object
	if err := json.Unmarshal(s.Defs["test"].Properties["as"], &as); err != nil {
		t.Fatal(err)
	}
	for text, o := range map[string]object{
		"zzzzzzzzzz: 1\n":                  s.object,
		"rules: [{zzzzzzzzzz: 1}]\n":       s.Defs["rule"],
		"tests: [{zzzzzzzzzz: 1}]\n":       s.Defs["test"],
		"tests: [{as: {zzzzzzzzzz: 1}}]\n": as,
	} {
		var keys []string
		for key := range o.Properties {
			keys = append(keys, key)
		}
		r := policyfile.Check(t.Context(), "p.yaml", []byte(text), options())
		i := slices.IndexFunc(r.Faults, func(f policyfile.Fault) bool { return f.Code == policyfile.CodeUnknownKey })
		if i < 0 || !sameWords(r.Faults[i].Remedy, keys) {
			t.Errorf("%s: the validator says %v, the schema has %v", text, r.Faults, keys)
		}
	}
}

// sameWords reports whether the remedy for an unknown key lists these words and no others.
func sameWords(remedy string, words []string) bool {
	_, listed, _ := strings.Cut(remedy, ": ")
	have := strings.Split(listed, ", ")
	slices.Sort(have)
	slices.Sort(words)
	return slices.Equal(have, words)
}
