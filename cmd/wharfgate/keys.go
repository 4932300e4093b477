package main

import (
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/gate"
)

type keysCmd struct {
	Init   keysInitCmd   `cmd:"" help:"Make the signing CA, once."`
	Export keysExportCmd `cmd:"" help:"Print the bundle that registries trust."`
}

// Help gives examples.
func (*keysCmd) Help() string {
	return `Examples:

  wharfgate keys init -c wharfgate.yaml
  wharfgate keys export -c wharfgate.yaml > wharfgate.pem`
}

type keysInitCmd struct {
	configFlag
}

// Help gives examples.
func (*keysInitCmd) Help() string {
	return `Makes the CA in state_dir. An existing one is never overwritten: without it every registry would
refuse the gate's tokens, so keep a backup of ca.key in a safe place.

  wharfgate keys init -c wharfgate.yaml`
}

// Run makes the CA.
func (c *keysInitCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	cert, key, err := gate.InitKeys(cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "certificate: %s\nkey:         %s\n\nNext: give the certificate to the registry as its rootcertbundle; see\n  wharfgate registry -c %s --help\n",
		cert, key, c.Config)
	return err
}

type keysExportCmd struct {
	configFlag
}

// Help gives examples.
func (*keysExportCmd) Help() string {
	return `The bundle is public. Registries read it at start as auth.token.rootcertbundle.

  wharfgate keys export -c wharfgate.yaml > wharfgate.pem`
}

// Run prints the bundle.
func (c *keysExportCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	bundle, err := gate.Bundle(cfg)
	if err != nil {
		return err
	}
	_, err = s.out.Write(bundle)
	return err
}
