package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds what is read of a registry's files.
const maxFile = 4 << 20

// Holds is what a registry is configured with. Empty texts are not known.
type Holds struct {
	// Realm, Service and Issuer are those of its auth.token section, or of zot's http.auth.bearer, which has no issuer.
	Realm, Service, Issuer string
	// Trust is what it believes: certificates in PEM, a JWK Set, or the one and then the other.
	Trust []byte
	// Missing names files of it that could not be read.
	Missing []string
}

// tokenAuth is the section of a registry's configuration, whichever software it is.
type tokenAuth struct {
	Realm   string `yaml:"realm"`
	Service string `yaml:"service"`
	Issuer  string `yaml:"issuer"`
	Bundle  string `yaml:"rootcertbundle"`
	JWKS    string `yaml:"jwks"`
	Cert    string `yaml:"cert"`
}

// ReadHolds reads a registry's configuration file: the YAML of distribution, or the YAML or JSON of zot. A bundle whose
// path is not here is looked for beside the file, as paths may be those of a container.
func ReadHolds(path string) (*Holds, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Auth struct {
			Token *tokenAuth `yaml:"token"`
		} `yaml:"auth"`
		HTTP struct {
			Auth struct {
				Bearer *tokenAuth `yaml:"bearer"`
			} `yaml:"auth"`
		} `yaml:"http"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s is not a registry's configuration: it is no YAML", path)
	}
	section := file.Auth.Token
	if section == nil {
		section = file.HTTP.Auth.Bearer
	}
	if section == nil {
		return nil, fmt.Errorf("%s is not a registry's configuration with tokens: it has neither auth.token nor http.auth.bearer", path)
	}
	h := &Holds{Realm: section.Realm, Service: section.Service, Issuer: section.Issuer}
	for _, name := range []string{section.Bundle, section.Cert, section.JWKS} { // a JWK Set comes last
		if name == "" {
			continue
		}
		text, err := readBounded(name)
		if err != nil {
			text, err = readBounded(filepath.Join(filepath.Dir(path), filepath.Base(name)))
		}
		if err != nil {
			h.Missing = append(h.Missing, name)
			continue
		}
		h.Trust = append(append(h.Trust, bytes.TrimSpace(text)...), '\n')
	}
	return h, nil
}

// readBounded reads a file that is not too large.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New(path + " is too large for a registry's configuration")
	}
	return data, err
}

// configured compares the registry's configuration with what the registry says and with the gate.
func (d *Doctor) configured() {
	h := d.o.Holds
	if h == nil {
		return
	}
	for _, name := range h.Missing {
		d.report.unseen(CheckKey, fmt.Sprintf("the registry's file %q is not here", bounded(name)), "give a copy of it with --bundle")
	}
	if h.Service != "" && h.Service != d.o.Service {
		d.report.fault(CheckService, fmt.Sprintf("the registry's configuration says service %q, and the gate knows it as %q", bounded(h.Service), d.o.Service),
			"make the registry's auth.token.service and registries[].service the same, byte for byte")
	}
	if d.registry != nil || h.Realm == "" {
		return
	}
	d.believeRealm(h.Realm)
}
