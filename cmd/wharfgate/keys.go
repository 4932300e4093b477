package main

import (
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/gate"
)

type keysCmd struct {
	Init   keysInitCmd   `cmd:"" help:"Make the signing CA and keys, once."`
	List   keysListCmd   `cmd:"" help:"List the keys, their states and ends."`
	Rotate keysRotateCmd `cmd:"" help:"Take the next step towards new keys."`
	Export keysExportCmd `cmd:"" help:"Print what registries must hold."`
}

// Help gives examples.
func (*keysCmd) Help() string {
	return `Examples:

  wharfgate keys init -c wharfgate.yaml
  wharfgate keys list -c wharfgate.yaml
  wharfgate keys export -c wharfgate.yaml > wharfgate.pem
  wharfgate keys rotate -c wharfgate.yaml ca`
}

type keysInitCmd struct {
	configFlag
}

// Help gives examples.
func (*keysInitCmd) Help() string {
	return `Makes in state_dir what the configured registries need and is not there yet: the CA for the key form x5c, and the
first key of each key_name. An existing one is never overwritten: without it every registry would refuse the
gate's tokens, so keep a backup of state_dir in a safe place.

  wharfgate keys init -c wharfgate.yaml`
}

// Run makes the CA and keys.
func (c *keysInitCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	made, err := gate.InitKeys(cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "made:\n  %s\n\nNext: give what is public of it to the registry; see\n  wharfgate registry -c %s --help\n",
		strings.Join(made, "\n  "), c.Config)
	return err
}
