package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Setting is one effective value of how a directory's accounts and groups are found.
type Setting struct {
	// Key is its path below the directory, such as users.filter; Value is how it would be written.
	Key, Value string
	// Written is true if the file says so, and false if the kind does, or the default of every kind.
	Written bool
}

// Settings lists what the kind of directories[i] fills in, as it is in force. An empty value is left out. It is empty for
// an index that there is not.
func (c Config) Settings(i int) []Setting {
	if i < 0 || i >= len(c.Directories) {
		return nil
	}
	c = c.Effective()
	d, path := c.Directories[i], index("directories", i)
	var list []Setting
	for _, section := range []struct {
		key   string
		value any
	}{{"users", d.Users}, {"groups", d.Groups}} {
		v := reflect.ValueOf(section.value)
		for f := range fields(v.Type()) {
			key := section.key + "." + f.Tag.Get("yaml")
			if text := written(v.FieldByIndex(f.Index)); text != "" {
				_, ok := c.source.at[path+"."+key]
				list = append(list, Setting{Key: key, Value: text, Written: ok})
			}
		}
	}
	_, ok := c.source.at[path+".page_size"]
	return append(list, Setting{Key: "page_size", Value: strconv.Itoa(d.PageSize), Written: ok})
}

// written gives a value as it would be written in the file; nothing for one that says nothing.
func written(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return written(v.Elem())
	case reflect.Slice:
		var words []string
		for i := range v.Len() {
			words = append(words, fmt.Sprint(v.Index(i).Interface()))
		}
		if len(words) == 0 {
			return ""
		}
		return "[" + strings.Join(words, ", ") + "]"
	default:
		return fmt.Sprint(v.Interface())
	}
}
