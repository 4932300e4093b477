package config

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// durationPattern is what time.ParseDuration accepts, without a sign.
const durationPattern = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$`

// Schema returns the JSON Schema (2020-12) of the file, indented. It holds what the tags say; Validate also
// checks rules between keys.
func Schema() []byte {
	s := mappingSchema(reflect.TypeFor[Config]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Wharfgate service configuration"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil // maps of texts and numbers always marshal
	}
	return append(out, '\n')
}

// mappingSchema describes a struct.
func mappingSchema(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for f := range fields(t) {
		k := describe(f)
		inner := keySchema(k, f.Type)
		properties[k.Path] = inner
		_, insists := inner["required"]
		if k.Required && k.Default == "" || insists {
			required = append(required, k.Path)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// keySchema describes one key.
func keySchema(k Key, t reflect.Type) map[string]any {
	s := typeSchema(k, t)
	s["description"] = k.Doc
	if k.Default != "" {
		s["default"] = literal(k)
	}
	return s
}

// typeSchema describes the value of a key.
func typeSchema(k Key, t reflect.Type) map[string]any {
	switch {
	case t.Kind() == reflect.Slice:
		inner := k
		inner.Type, inner.Required = strings.TrimPrefix(k.Type, typeListOf), false
		s := map[string]any{"type": "array", "items": typeSchema(inner, t.Elem())}
		if k.Required {
			s["minItems"] = 1
		}
		return s
	case isMapping(t):
		return mappingSchema(t)
	}
	s := map[string]any{"type": "string"}
	switch k.Type {
	case typeBool:
		s["type"] = "boolean"
	case typeNumber:
		s["type"] = "integer"
		s["minimum"], s["maximum"] = json.Number(k.Min), json.Number(k.Max)
	case typeDuration:
		s["pattern"] = durationPattern
	case typeNetwork:
		s["pattern"] = "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"
	default:
		if len(k.Values) > 0 {
			s["enum"] = k.Values
		} else if k.Required {
			s["minLength"] = 1
		}
	}
	return s
}

// literal is the default as JSON.
func literal(k Key) any {
	switch k.Type {
	case typeBool:
		b, _ := strconv.ParseBool(k.Default) // a test holds every default parseable
		return b
	case typeNumber:
		return json.Number(k.Default)
	default:
		return k.Default
	}
}
