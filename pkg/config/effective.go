package config

import (
	"path/filepath"
	"reflect"
	"slices"
)

// Effective returns the configuration with everything filled in that the kind of a registry or directory implies. Load
// has done so already; doing it again changes nothing.
func (c Config) Effective() Config {
	c.Registries = slices.Clone(c.Registries)
	for i := range c.Registries {
		c.Registries[i].applyPreset()
	}
	c.Directories = slices.Clone(c.Directories)
	for i := range c.Directories {
		c.Directories[i].applyPreset()
	}
	return c
}

// resolve makes the relative paths of files absolute in the sense of folder.
func resolve(v reflect.Value, folder string) {
	for f := range fields(v.Type()) {
		x := v.FieldByIndex(f.Index)
		switch {
		case isMapping(f.Type):
			resolve(x, folder)
		case f.Type.Kind() == reflect.Slice && isMapping(f.Type.Elem()):
			for i := range x.Len() {
				resolve(x.Index(i), folder)
			}
		case f.Tag.Get("file") == "true" && x.String() != "" && !filepath.IsAbs(x.String()):
			x.SetString(filepath.Join(folder, x.String()))
		}
	}
}
