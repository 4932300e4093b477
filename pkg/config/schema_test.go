package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// schema is as much of JSON Schema as ours uses; anything else fails to decode.
type schema struct {
	Schema               string             `json:"$schema"`
	Title                string             `json:"title"`
	Description          string             `json:"description"`
	Type                 string             `json:"type"`
	Default              any                `json:"default"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *bool              `json:"additionalProperties"`
	Required             []string           `json:"required"`
	Items                *schema            `json:"items"`
	MinItems             int                `json:"minItems"`
	MinLength            int                `json:"minLength"`
	Enum                 []any              `json:"enum"`
	Pattern              string             `json:"pattern"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
	Not                  *schema            `json:"not"`
}

func loadSchema(t *testing.T) *schema {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(config.Schema()))
	d.DisallowUnknownFields()
	var s schema
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// check reports the first reason why a JSON value does not match.
func (s *schema) check(v any, path string) error {
	if s.Not != nil {
		return fmt.Errorf("%s: not allowed", path)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return fmt.Errorf("%s: %v is not in the enum", path, v)
	}
	switch x := v.(type) {
	case map[string]any:
		return s.checkObject(x, path)
	case []any:
		if s.Type != "array" || len(x) < s.MinItems {
			return fmt.Errorf("%s: array", path)
		}
		for i, e := range x {
			if err := s.Items.check(e, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case string:
		if s.Type != "string" && s.Type != "" || len(x) < s.MinLength || !regexp.MustCompile(s.Pattern).MatchString(x) {
			return fmt.Errorf("%s: %q", path, x)
		}
	case float64:
		if s.Type != "integer" || x != float64(int64(x)) || s.Minimum != nil && x < *s.Minimum || s.Maximum != nil && x > *s.Maximum {
			return fmt.Errorf("%s: %v", path, x)
		}
	case bool:
		if s.Type != "boolean" {
			return fmt.Errorf("%s: bool", path)
		}
	default:
		return fmt.Errorf("%s: %T", path, v)
	}
	return nil
}

func (s *schema) checkObject(x map[string]any, path string) error {
	if s.Type != "object" {
		return fmt.Errorf("%s: object", path)
	}
	for _, r := range s.Required {
		if _, ok := x[r]; !ok {
			return fmt.Errorf("%s.%s: required", path, r)
		}
	}
	for k, e := range x {
		p, ok := s.Properties[k]
		if !ok {
			return fmt.Errorf("%s.%s: unknown", path, k)
		}
		if err := p.check(e, path+"."+k); err != nil {
			return err
		}
	}
	return nil
}

// asJSON reads YAML as JSON values.
func asJSON(t *testing.T, data []byte) (v any, ok bool) {
	t.Helper()
	var y any
	if err := yaml.Unmarshal(data, &y); err != nil {
		return nil, false
	}
	text, err := json.Marshal(y)
	if err != nil {
		return nil, false
	}
	return v, json.Unmarshal(text, &v) == nil
}

func TestSchemaAcceptsValidFiles(t *testing.T) {
	t.Parallel()
	s := loadSchema(t)
	for _, path := range glob(t, "testdata/valid-*.yaml") {
		v, ok := asJSON(t, read(t, path))
		if err := s.check(v, ""); !ok || err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSchemaNeverRefusesMoreThanLoad shows that what the schema refuses, Load refuses too, and lists what only
// Load can see, so that a new rule is put where it belongs.
func TestSchemaNeverRefusesMoreThanLoad(t *testing.T) {
	t.Parallel()
	s := loadSchema(t)
	var accepted []string
	for _, path := range glob(t, "testdata/invalid-*.yaml") {
		v, ok := asJSON(t, read(t, path))
		if ok && s.check(v, "") == nil {
			accepted = append(accepted, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "invalid-"), ".yaml"))
		}
	}
	golden(t, "testdata/beyond-schema.txt", strings.Join(accepted, "\n")+"\n")
}

// TestSchemaHasEveryKey holds schema, struct and table of keys equal.
func TestSchemaHasEveryKey(t *testing.T) {
	t.Parallel()
	var inSchema []string
	var walk func(s *schema, path string)
	walk = func(s *schema, path string) {
		for k, p := range s.Properties {
			inner := strings.TrimPrefix(path+"."+k, ".")
			inSchema = append(inSchema, inner)
			if p.Description == "" {
				t.Errorf("%s has no description", inner)
			}
			walk(p, inner)
			if p.Items != nil {
				walk(p.Items, inner+"[]")
			}
		}
	}
	walk(loadSchema(t), "")
	var inTable []string
	for _, k := range config.AllKeys() {
		inTable = append(inTable, k.Path)
	}
	slices.Sort(inSchema)
	slices.Sort(inTable)
	if !slices.Equal(inSchema, inTable) {
		t.Errorf("schema has\n%v\nthe table has\n%v", inSchema, inTable)
	}
	var inStruct []string
	structKeys(reflect.TypeFor[config.Config](), "", &inStruct)
	for _, p := range inStruct {
		if !slices.ContainsFunc(config.AllKeys(), func(k config.Key) bool { return k.Path == p }) {
			t.Errorf("%s is not in the table", p)
		}
	}
	if len(inStruct) != len(config.AllKeys()) {
		t.Errorf("the struct has %d keys, the table %d", len(inStruct), len(config.AllKeys()))
	}
}

// structKeys lists keys by plain reflection, independently of the package.
func structKeys(t reflect.Type, path string, out *[]string) {
	for f := range t.Fields() {
		if !f.IsExported() {
			continue
		}
		inner := strings.TrimPrefix(path+"."+f.Tag.Get("yaml"), ".")
		*out = append(*out, inner)
		ft := f.Type
		if ft.Kind() == reflect.Slice {
			ft, inner = ft.Elem(), inner+"[]"
		}
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Struct && ft.PkgPath() == reflect.TypeFor[config.Config]().PkgPath() {
			structKeys(ft, inner, out)
		}
	}
}

// TestKeysAreWellFormed holds the tags to what the decoder and the validator rely on.
func TestKeysAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, k := range config.AllKeys() {
		if k.Path == "" || k.Doc == "" || !strings.HasSuffix(k.Doc, ".") || strings.ContainsAny(k.Doc, "|`\n") {
			t.Errorf("%q: doc %q", k.Path, k.Doc)
		}
		if last := k.Path[strings.LastIndexByte(k.Path, '.')+1:]; !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(last) {
			t.Errorf("%q is not snake_case", k.Path)
		}
		numeric := k.Type == "number" || k.Type == "duration"
		if numeric && (k.Min == "" || k.Max == "" || k.Default == "") {
			t.Errorf("%q has no bounds or no default", k.Path)
		}
		if len(k.Values) > 0 && k.Default != "" && !slices.Contains(k.Values, k.Default) {
			t.Errorf("%q: default %q is not among %v", k.Path, k.Default, k.Values)
		}
		if k.Required && k.Type != "mapping" && !strings.HasPrefix(k.Type, "list") && k.Default == "" && k.Example == "" {
			t.Errorf("%q is required and has no example", k.Path)
		}
	}
}

// TestDefaultsAreInBounds shows that every default and bound can be parsed and that defaults are accepted.
func TestDefaultsAreInBounds(t *testing.T) {
	t.Parallel()
	for _, k := range config.AllKeys() {
		for _, value := range []string{k.Default, k.Min, k.Max} {
			if value == "" || k.Path == "state_dir" {
				continue
			}
			if strings.Contains(k.Path, "token_lifetime") || strings.Contains(k.Path, "timeouts.") || strings.Contains(k.Path, "bind_connections") {
				continue // bound to a second key as well; held by the files in testdata
			}
			text := document(k.Path, value)
			_, err := config.Parse("w.yaml", []byte(text))
			if err != nil && strings.Contains(err.Error(), "yaml: "+strings.ReplaceAll(k.Path, "[]", "[0]")+": ") && k.Path != "listen" {
				t.Errorf("%s: %s is refused: %v", k.Path, value, err)
			}
		}
	}
}

// document writes a YAML document with one key.
func document(path, value string) string {
	var b strings.Builder
	indent := ""
	parts := strings.Split(path, ".")
	for i, p := range parts {
		name, list := strings.CutSuffix(p, "[]")
		switch {
		case i == len(parts)-1:
			fmt.Fprintf(&b, "%s%s: %s\n", indent, name, value)
		case list:
			fmt.Fprintf(&b, "%s%s:\n%s- x: \n", indent, name, indent)
			indent += "  "
		default:
			fmt.Fprintf(&b, "%s%s:\n", indent, name)
			indent += "  "
		}
	}
	return b.String()
}
