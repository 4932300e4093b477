package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate reports every fault at once, as [Faults], or nil. It is pure: it opens no file and asks no server.
func (c Config) Validate() error { return c.faults().err() }

// faults checks the effective configuration: first what the tags say, then what they cannot.
func (c Config) faults() Faults {
	c = c.Effective()
	v := &validator{source: c.source}
	v.tags(reflect.ValueOf(c), "")
	v.listeners(c)
	v.keys(c.Keys)
	v.registries(c.Registries)
	v.refreshTokens(c)
	v.window(c.FailedBinds, "failed_binds")
	v.directories(c)
	return v.found
}

// validator collects faults; at most one a path, the first.
type validator struct {
	source
	found Faults
}

// add reports a fault unless the path has one.
func (v *validator) add(path, message, remedy string) {
	if !slices.ContainsFunc(v.found, func(f Fault) bool { return f.Path == path }) {
		v.found = append(v.found, v.fault(path, message, remedy))
	}
}

// tags checks a mapping against the tags of its fields.
func (v *validator) tags(m reflect.Value, path string) {
	for f := range fields(m.Type()) {
		k, x := describe(f), m.FieldByIndex(f.Index)
		inner := join(path, k.Path)
		switch {
		case isMapping(f.Type):
			v.tags(x, inner)
		case f.Type.Kind() == reflect.Slice:
			v.list(k, x, inner)
		default:
			v.scalar(k, x, inner)
		}
	}
}

// list checks that a required list is there, and its mappings.
func (v *validator) list(k Key, x reflect.Value, path string) {
	if x.Len() == 0 && k.Required {
		v.add(path, "required, at least one entry", "")
	}
	if isMapping(x.Type().Elem()) {
		for i := range x.Len() {
			v.tags(x.Index(i), index(path, i))
		}
	}
}

// scalar checks one value against required, enum, min and max.
func (v *validator) scalar(k Key, x reflect.Value, path string) {
	text := fmt.Sprint(x.Interface())
	switch {
	case x.Kind() == reflect.String && text == "":
		if k.Required {
			v.add(path, "required", "for instance "+cmp.Or(k.Example, k.Default))
		}
	case x.Kind() == reflect.String && strings.ContainsFunc(text, isControl):
		v.add(path, "holds a control character", "")
	case len(k.Values) > 0 && !slices.Contains(k.Values, text):
		remedy := "use " + alternatives(k.Values)
		if near := nearest(text, k.Values); near != "" {
			remedy = fmt.Sprintf("did you mean %s?", near)
		}
		v.add(path, "unknown value "+shown(text), remedy)
	case k.Min != "":
		v.bounds(k, x, path)
	}
}

// bounds checks a number or a duration.
func (v *validator) bounds(k Key, x reflect.Value, path string) {
	low, high := reflect.New(x.Type()).Elem(), reflect.New(x.Type()).Elem()
	if setScalar(low, k.Min) != nil || setScalar(high, k.Max) != nil {
		return // a test holds every bound parseable
	}
	if x.Int() < low.Int() || x.Int() > high.Int() {
		v.add(path, "must be between "+k.Min+" and "+k.Max+", not "+number(x), "")
	}
}

// number prints a number or a duration the way it is written.
func number(x reflect.Value) string {
	if d, ok := reflect.TypeAssert[time.Duration](x); ok {
		return short(d)
	}
	return strconv.FormatInt(x.Int(), 10)
}

// short prints a duration without units that are zero: 5m instead of 5m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// alternatives joins words with or.
func alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// index appends a list index to a path.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// isControl reports whether a letter is a control character.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// keys checks where the signing CA comes from.
func (v *validator) keys(k Keys) {
	v.whole(k.PublishFor, "keys.publish_for")
	v.both("keys.ca_cert_file", k.CACertFile, "keys.ca_key_file", k.CAKeyFile)
	if k.CAKeyPasswordFile != "" && k.CAKeyFile == "" {
		v.add("keys.ca_key_file", "required beside ca_key_password_file", "")
	}
	if k.AutoCreate && (k.CACertFile != "" || k.CAKeyFile != "") {
		v.add("keys.auto_create", "contradicts ca_cert_file and ca_key_file", "remove auto_create, or the two files")
	}
}

// both checks that two keys are given together.
func (v *validator) both(pathA, a, pathB, b string) {
	switch {
	case a != "" && b == "":
		v.add(pathB, "required beside "+last(pathA), "")
	case a == "" && b != "":
		v.add(pathA, "required beside "+last(pathB), "")
	}
}

// last returns the last part of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// registries checks the services.
func (v *validator) registries(rs []Registry) {
	seen, keyFiles := make(map[string]int), make(map[string]int)
	for i, r := range rs {
		path := index("registries", i)
		if r.Service != "" {
			if first, ok := seen[r.Service]; ok {
				v.add(path+".service", fmt.Sprintf("%s is the service of registries[%d] already", shown(r.Service), first), "give each registry a service of its own")
			}
			seen[r.Service] = i
			v.service(r.Service, path+".service")
		}
		v.signingKeys(r, path)
		if first, ok := keyFiles[r.KeyFile]; ok && r.KeyFile != "" && rs[first].KeyPasswordFile != r.KeyPasswordFile {
			v.add(path+".key_password_file", fmt.Sprintf("differs from that of registries[%d], which has the same key_file", first), "name the same file in both")
		}
		keyFiles[r.KeyFile] = i
		v.whole(r.TokenLifetime, path+".token_lifetime")
		v.whole(r.PushTokenLifetime, path+".push_token_lifetime")
		if r.PushTokenLifetime < r.TokenLifetime {
			v.add(path+".push_token_lifetime", fmt.Sprintf("is shorter than token_lifetime (%s)", short(r.TokenLifetime)), "make it at least as long")
		}
	}
}

// signingKeys checks where the keys of a registry come from. Whether its software can do with them is seen where the
// profiles are known.
func (v *validator) signingKeys(r Registry, path string) {
	const longest = 64
	switch {
	case r.KeyFile == "" && r.CertFile != "":
		v.add(path+".key_file", "required beside cert_file", "")
	case r.KeyFile == "" && r.KeyPasswordFile != "":
		v.add(path+".key_file", "required beside key_password_file", "")
	case r.KeyFile != "" && r.KeyName != "":
		v.add(path+".key_name", "contradicts key_file", "remove one of them")
	case r.KeyFile != "" && r.CertFile == "" && r.KeyForm == formX5C:
		v.add(path+".cert_file", "required beside key_file where key_form is x5c", "")
	case r.KeyForm == formX5C && r.KeyName != "":
		v.add(path+".key_name", "has no meaning where key_form is x5c", "remove it")
	case len(r.KeyName) > longest || strings.HasPrefix(r.KeyName, ".") || strings.ContainsFunc(r.KeyName, func(c rune) bool { return !isNameLetter(c) }):
		v.add(path+".key_name", shown(r.KeyName)+" is not a name", fmt.Sprintf("use at most %d of a-z, 0-9, -, _ and ., and no . first", longest))
	}
}

// service checks a service name: what stands in a header, a URL and a token's audience.
func (v *validator) service(name, path string) {
	const longest = 255
	if len(name) > longest {
		v.add(path, fmt.Sprintf("is longer than %d bytes", longest), "")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
		v.add(path, shown(name)+" holds a space, a quote or a letter outside ASCII", "use the host name of the registry")
	}
}

// whole checks that a lifetime is in whole seconds, as tokens count.
func (v *validator) whole(d time.Duration, path string) {
	if d%time.Second != 0 {
		v.add(path, "must be in whole seconds, not "+d.String(), "")
	}
}
