package main

import (
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/registry"
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
	_, err = fmt.Fprintf(s.out, "made:\n  %s\n%s", strings.Join(made, "\n  "), c.next(cfg))
	return err
}

// next gives the commands that print what each registry needs.
func (c *keysInitCmd) next(cfg config.Config) string {
	var b strings.Builder
	b.WriteString("\nKeep a backup of them. Next: give each registry what is public of them and its configuration, and restart it:\n")
	for i, r := range cfg.Registries {
		service, file, form := "", "wharfgate", ".pem"
		if len(cfg.Registries) > 1 { // their keys may differ
			service, file = " --service "+r.Service, fmt.Sprintf("wharfgate-%d", i+1)
		}
		if trust, err := gate.TrustOf(r, ""); err == nil && trust == registry.TrustJWKS {
			form = ".json"
		}
		fmt.Fprintf(&b, "  wharfgate registry -c %s%s --format bundle > %s%s\n", c.Config, service, file, form)
		fmt.Fprintf(&b, "  wharfgate registry -c %s%s\n", c.Config, service)
	}
	return b.String()
}
