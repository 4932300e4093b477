package config

import (
	"cmp"
	"path/filepath"
	"reflect"
	"slices"
)

// Effective returns the configuration with everything filled in that the kind of a directory implies. Load
// has done so already; doing it again changes nothing.
func (c Config) Effective() Config {
	c.Directories = slices.Clone(c.Directories)
	for i := range c.Directories {
		c.Directories[i].applyPreset()
	}
	return c
}

// preset is what a kind of directory fills in where the file says nothing.
type preset struct {
	loginAttributes    []string
	userID, groupNames string
}

// presetOf returns the preset of a kind. Every kind of this version names things as RFC 4519 and RFC 4530 do.
func presetOf(string) preset {
	return preset{loginAttributes: []string{"uid"}, userID: "entryUUID", groupNames: "cn"}
}

// applyPreset fills empty fields.
func (d *Directory) applyPreset() {
	p := presetOf(d.Kind)
	if len(d.Users.LoginAttributes) == 0 {
		d.Users.LoginAttributes = p.loginAttributes
	}
	d.Users.IDAttribute = cmp.Or(d.Users.IDAttribute, p.userID)
	d.Users.BaseDN = cmp.Or(d.Users.BaseDN, d.BaseDN)
	d.Groups.NameAttribute = cmp.Or(d.Groups.NameAttribute, p.groupNames)
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
