package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder walks a YAML document along the struct that it fills, and collects faults.
type decoder struct {
	source
	faults Faults
}

// decode reads one YAML document into c and returns what is wrong with its form.
func decode(name string, data []byte, c *Config) Faults {
	d := decoder{source: source{file: name, at: make(map[string]position)}}
	c.source = d.source
	if node := d.document(data); node != nil {
		d.mapping(node, reflect.ValueOf(c).Elem(), "")
	}
	return d.faults
}

// document returns the root of the only document, or nil after a fault.
func (d *decoder) document(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithUniqueKeys(false))
	if err != nil {
		d.syntax(err)
		return nil
	}
	var doc, more yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		d.add(nil, "", "is empty", "start from the example configuration")
		return nil
	case err != nil:
		d.syntax(err)
		return nil
	}
	switch err := loader.Load(&more); {
	case err == nil:
		d.add(&more, "", "holds more than one document", "remove everything from the second --- on")
		return nil
	case !errors.Is(err, io.EOF):
		d.syntax(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		d.add(&doc, "", "is not a mapping of keys to values", "start from the example configuration")
		return nil
	}
	return doc.Content[0]
}

// syntax reports text that is not YAML.
func (d *decoder) syntax(err error) {
	f := Fault{File: d.file, Message: "is not YAML: " + err.Error()}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		f.Message, f.Line, f.Column = "is not YAML: "+e.Message, e.Mark.Line, e.Mark.Column
	}
	d.faults = append(d.faults, f)
}

// add reports a fault at a node.
func (d *decoder) add(n *yaml.Node, path, message, remedy string) {
	f := Fault{File: d.file, Path: path, Message: message, Remedy: remedy}
	if n != nil {
		f.Line, f.Column = n.Line, n.Column
	}
	d.faults = append(d.faults, f)
}

// plain reports whether a node is free of what this file does not use: aliases, anchors and tags.
func (d *decoder) plain(n *yaml.Node, path string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.add(n, path, "is an alias", "write the value itself")
	case n.Anchor != "":
		d.add(n, path, fmt.Sprintf("has an anchor (&%s)", n.Anchor), "remove the anchor")
	case n.Style&yaml.TaggedStyle != 0:
		d.add(n, path, fmt.Sprintf("has a tag (%s)", n.Tag), "remove the tag")
	default:
		return true
	}
	return false
}

// mapping fills a struct.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if !d.plain(n, path) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(n, path, "must be a mapping of keys to values, not "+kindName(n), "")
		return
	}
	known := make(map[string]reflect.StructField)
	for f := range fields(v.Type()) {
		known[f.Tag.Get("yaml")] = f
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		inner := join(path, key.Value)
		if !d.plain(key, inner) {
			continue
		}
		f, ok := known[key.Value]
		switch line, again := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			d.add(key, path, "has a key that is not a word", "")
		case !ok:
			d.unknown(key, inner, known)
		case again:
			d.add(key, inner, fmt.Sprintf("is written twice, first in line %d", line), "remove one of them")
		default:
			seen[key.Value] = key.Line
			d.at[inner] = position{key.Line, key.Column}
			d.value(value, v.FieldByIndex(f.Index), inner)
		}
	}
}

// value fills a field of any type.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		if d.plain(n, path) {
			d.add(n, path, "has no value", "give it one or remove the key")
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case isMapping(v.Type()):
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// list fills a slice.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if !d.plain(n, path) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.add(n, path, "must be a list, not "+kindName(n), "write [a, b] or one line with - for each entry")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		inner := path + "[" + strconv.Itoa(i) + "]"
		d.at[inner] = position{entry.Line, entry.Column}
		if isMapping(v.Type().Elem()) {
			setDefaults(v.Index(i))
		}
		d.value(entry, v.Index(i), inner)
	}
}

// scalar fills a text, bool, number, duration or network.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if !d.plain(n, path) {
		return
	}
	what := typeName(v.Type())
	article, remedy := form(what)
	if n.Kind != yaml.ScalarNode {
		d.add(n, path, "must be "+article+", not "+kindName(n), remedy)
		return
	}
	if want := scalarTag(what); n.Tag != want {
		if what == typeText {
			remedy = "put it in quotes: " + strconv.Quote(n.Value)
		}
		d.add(n, path, fmt.Sprintf("must be %s, not %s", article, shown(n.Value)), remedy)
		return
	}
	if err := setScalar(v, n.Value); err != nil {
		d.add(n, path, fmt.Sprintf("must be %s, not %s", article, shown(n.Value)), remedy)
	}
}

// form says what a value of a type looks like, for messages.
func form(typ string) (article, remedy string) {
	switch typ {
	case typeBool:
		return "true or false", ""
	case typeNumber:
		return "a whole number", ""
	case typeDuration:
		return "a duration", "write a number with its unit, such as 30s, 5m or 1h30m"
	case typeNetwork:
		return "a network", "write an address and its prefix length, such as 10.0.0.0/8 or 192.0.2.7/32"
	default:
		return "a text", ""
	}
}

// scalarTag is the YAML type in which a value of a type is written.
func scalarTag(typ string) string {
	switch typ {
	case typeBool:
		return "!!bool"
	case typeNumber:
		return "!!int"
	default:
		return "!!str"
	}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "a text" // which may be a secret in the wrong place
	default:
		return "something else"
	}
}

// shown quotes an untrusted text for a message, shortened.
func shown(text string) string {
	const most = 60
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strconv.Quote(text)
}
