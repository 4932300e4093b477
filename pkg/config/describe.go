package config

import (
	"iter"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Key describes one key of the file.
type Key struct {
	// Path is the key with its parents; [] stands for an entry of a list: directories[].bind.dn.
	Path string
	// Type is text, file, bool, number, duration, network, mapping, or list of one of these.
	Type string
	// Default is what an absent key means; empty if it means nothing.
	Default string
	// Values are the accepted values, if they are a closed set.
	Values []string
	// Min and Max are bounds, included; empty if there are none.
	Min, Max string
	// Required is true if a value must be given.
	Required bool
	// Doc says what it means, Example shows a value where the default does not; it may be empty.
	Doc, Example string
}

// The words of Key.Type.
const (
	typeText     = "text"
	typeFile     = "file"
	typeBool     = "bool"
	typeNumber   = "number"
	typeDuration = "duration"
	typeNetwork  = "network"
	typeMapping  = "mapping"
	typeListOf   = "list of "
)

// AllKeys lists every key of the file in the order of the struct, mappings before their members.
func AllKeys() []Key { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) []Key {
	var keys []Key
	for f := range fields(t) {
		k := describe(f)
		k.Path = join(prefix, k.Path)
		keys = append(keys, k)
		if elem := element(f.Type); elem.Kind() == reflect.Struct && isMapping(elem) {
			inner := k.Path
			if f.Type.Kind() == reflect.Slice {
				inner += "[]"
			}
			keys = append(keys, keysOf(elem, inner)...)
		}
	}
	return keys
}

// fields yields the fields of a struct that are keys.
func fields(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.Fields() {
			if f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

// describe reads the tags of one field; its Path is the key alone.
func describe(f reflect.StructField) Key {
	k := Key{
		Path: f.Tag.Get("yaml"), Type: typeName(f.Type), Default: f.Tag.Get("default"),
		Values: strings.Fields(f.Tag.Get("enum")),
		Min:    f.Tag.Get("min"), Max: f.Tag.Get("max"), Required: f.Tag.Get("required") == "true", Doc: f.Tag.Get("doc"),
		Example: f.Tag.Get("example"),
	}
	if f.Tag.Get("file") == "true" {
		k.Type = typeFile
	}
	return k
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return typeDuration
	case t == reflect.TypeFor[netip.Prefix]():
		return typeNetwork
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return typeListOf + typeName(t.Elem())
	case reflect.Struct:
		return typeMapping
	case reflect.Bool:
		return typeBool
	case reflect.Int:
		return typeNumber
	default:
		return typeText
	}
}

// element strips lists and pointers from a type.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// isMapping reports whether a struct type is a mapping of the file rather than a value.
func isMapping(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[netip.Prefix]()
}

// setDefaults sets every field that has a default tag, in nested mappings too. Lists and pointers stay nil.
func setDefaults(v reflect.Value) {
	for f := range fields(v.Type()) {
		x := v.FieldByIndex(f.Index)
		if isMapping(f.Type) {
			setDefaults(x)
		} else if text, ok := f.Tag.Lookup("default"); ok {
			_ = setScalar(x, text) // a test holds every default parseable
		}
	}
}

// setScalar parses a text into a value that is not a list or mapping.
func setScalar(v reflect.Value, text string) error {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	case v.Type() == reflect.TypeFor[netip.Prefix]():
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(p))
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return setScalar(v.Elem(), text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err
	case reflect.Int:
		n, err := strconv.Atoi(text)
		v.SetInt(int64(n))
		return err
	default:
		v.SetString(text)
		return nil
	}
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
