package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
)

// maxFileBytes bounds what is read of a configuration file.
const maxFileBytes = 1 << 20

// Default returns the configuration with the default of every key, without any registry or directory.
func Default() Config {
	var c Config
	setDefaults(reflect.ValueOf(&c).Elem())
	return c
}

// DefaultRegistry returns a registry of that service with the default of every other key.
func DefaultRegistry(service string) Registry {
	var r Registry
	setDefaults(reflect.ValueOf(&r).Elem())
	r.Service = service
	r.applyPreset()
	return r
}

// DefaultDirectory returns a directory of that name and kind with the default of every other key.
func DefaultDirectory(name, kind string) Directory {
	var d Directory
	setDefaults(reflect.ValueOf(&d).Elem())
	d.Name, d.Kind = name, kind
	d.applyPreset()
	return d
}

// Load reads, decodes and validates a file. Relative paths of files in it are resolved against its folder.
//
// The error is a [Faults] with every fault of the file. The Config then holds what could be understood, for
// commands that look further; it must not be served.
func Load(path string) (Config, error) {
	data, err := readFile(path)
	if err != nil {
		return Default(), Faults{{File: path, Message: err.Error(), Remedy: "name a readable file", cause: err}}
	}
	return Parse(path, data)
}

// Parse is [Load] for a file that was read already; name is its path.
func Parse(name string, data []byte) (Config, error) {
	c := Default()
	faults := decode(name, data, &c)
	resolve(reflect.ValueOf(&c).Elem(), filepath.Dir(name))
	c = c.Effective()

	known := make(map[string]bool, len(faults))
	for _, f := range faults {
		known[f.Path] = true
	}
	if known[""] {
		return c, faults.err() // not a YAML mapping: every further fault would be noise
	}
	for _, f := range c.faults() {
		if !known[f.Path] && !known[parent(f.Path)] {
			faults = append(faults, f)
		}
	}
	return c, faults.err()
}

// readFile reads a file of at most maxFileBytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //#nosec G304 -- the operator names the file
	if err != nil {
		return nil, cause("cannot be opened", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, cause("cannot be read", err)
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("is larger than %d bytes", maxFileBytes)
	}
	return data, nil
}

// cause strips the path from a file error: a Fault names it already.
func cause(what string, err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}
