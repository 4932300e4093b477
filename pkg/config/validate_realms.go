package config

import (
	"fmt"
	"strings"
)

// realms checks that every login belongs to one directory, and that there is no directory without any.
func (v *validator) realms(c Config) {
	marked := v.defaultDirectory(c.Directories)
	names, owners := make(map[string]int), make(map[string]int)
	for i, d := range c.Directories {
		names[d.Name] = i
	}
	for i, d := range c.Directories {
		path := index("directories", i) + ".realms"
		for j, realm := range d.Realms {
			at, key := index(path, j), strings.ToLower(realm)
			v.realm(realm, at)
			switch first, ok := owners[key]; {
			case ok && first == i:
				v.add(at, shown(realm)+" is listed twice, as case does not count", "remove one of them")
			case ok:
				v.add(at, fmt.Sprintf("%s is a realm of directories[%d] already", shown(realm), first), "a login belongs to one directory; remove it from one of them")
			default:
				owners[key] = i
			}
			if other, ok := names[key]; ok && other != i {
				v.add(at, fmt.Sprintf("%s is the name of directories[%d]", shown(realm), other), "one of them would be taken for the other; rename the directory")
			}
		}
		if marked && len(d.Realms) == 0 && !d.Default && len(c.Directories) > 1 && c.Lookup != InOrder {
			v.add(path, "required beside other directories: no login would belong to this one",
				"write realms: [partner.example] for logins like alice@partner.example, or directory_lookup: in_order")
		}
	}
}

// defaultDirectory checks that exactly one of several directories is the default one, and reports whether there is one.
func (v *validator) defaultDirectory(all []Directory) (marked bool) {
	first := -1
	for i, d := range all {
		switch {
		case !d.Default:
		case first >= 0:
			v.add(index("directories", i)+".default", fmt.Sprintf("directories[%d] is the default one already", first), "remove default from one of them")
		default:
			first = i
		}
	}
	if first < 0 && len(all) > 1 {
		v.add("directories", "none of them is the default one", "write default: true into the one that names without a realm belong to")
	}
	return first >= 0
}

// realm checks the form of a realm: what may stand before \ or behind the last @ of a login.
func (v *validator) realm(text, path string) {
	const longest = 255
	if text == "" || len(text) > longest || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '@' }) {
		v.add(path, shown(text)+" is not a realm", `write what stands before \ or behind @ of a login, such as CORP or corp.example`)
	}
}
