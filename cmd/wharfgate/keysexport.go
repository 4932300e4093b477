package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

type keysExportCmd struct {
	configFlag

	Service string   `placeholder:"SERVICE" help:"For which of the configured registries; needed when their keys differ."`
	As      string   `enum:"auto,bundle,jwks,key" default:"auto" placeholder:"FORM" help:"bundle (PEM certificates), jwks (JWK Set), key (the one certificate that signs), or auto, what the registry's software reads."`
	With    []string `type:"existingfile" placeholder:"FILE" help:"Add the keys of this JWK Set, such as another gate's."`
}

// Help gives examples.
func (*keysExportCmd) Help() string {
	return `What is printed is public. Registries read it at start: distribution as auth.token.rootcertbundle or auth.token.jwks, zot
as http.auth.bearer.cert.

  wharfgate keys export -c wharfgate.yaml > wharfgate.pem
  wharfgate keys export -c wharfgate.yaml --service registry.corp.example --as jwks > wharfgate.json`
}

// Run prints what a registry must hold.
func (c *keysExportCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	r, err := pickRegistry(cfg, c.Service)
	if err != nil {
		return err
	}
	trust := registry.Trust(c.As)
	if c.As == "auto" {
		if trust, err = gate.TrustOf(r, ""); err != nil {
			return err
		}
	}
	data, err := gate.Trusted(cfg, r, trust)
	if err == nil && len(c.With) > 0 {
		data, err = c.merge(cfg, r, trust)
	}
	if err != nil {
		return err
	}
	_, err = s.out.Write(data)
	return err
}

// merge adds the keys of other JWK Sets.
func (c *keysExportCmd) merge(cfg config.Config, r config.Registry, trust registry.Trust) ([]byte, error) {
	if trust != registry.TrustJWKS {
		return nil, &usageError{"--with adds to a JWK Set; PEM bundles are joined by writing one after the other"}
	}
	keys, err := gate.PublicKeys(cfg, r)
	if err != nil {
		return nil, err
	}
	for _, path := range c.With {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		more, err := token.DecodeJWKS(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, k := range more {
			if !slices.ContainsFunc(keys, func(have token.PublicKey) bool { return have.ID == k.ID }) {
				keys = append(keys, k)
			}
		}
	}
	return token.EncodeJWKS(keys)
}

// pickRegistry gives the registry of a service, or the only one, or any of several that share their keys.
func pickRegistry(cfg config.Config, service string) (config.Registry, error) {
	if service == "" && (len(cfg.Registries) == 1 || len(gate.KeyNames(cfg)) == 1) {
		return cfg.Registries[0], nil
	}
	var names []string
	for _, r := range cfg.Registries {
		if r.Service == service {
			return r, nil
		}
		names = append(names, r.Service)
	}
	return config.Registry{}, &usageError{"say which registry with --service: " + strings.Join(names, ", ")}
}
