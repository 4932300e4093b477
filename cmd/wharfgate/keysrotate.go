package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

type keysRotateCmd struct {
	configFlag

	Name  string `arg:"" optional:"" help:"Which keys: ca, or a key_name; see keys list. May be left out where there is one."`
	Force bool   `help:"Let a key sign that was not published long enough. Registries that do not hold it refuse every token."`
	JSON  bool   `help:"Print JSON."`
}

// Help gives examples.
func (*keysRotateCmd) Help() string {
	return `A rotation is this command twice. First it makes the next key, or the next CA, and publishes it: give every registry the
new file that keys export prints, and restart the registry, as it reads it at start only. Then, after
keys.publish_for, it lets the next one sign; the one before retires while its tokens are about. A running
gate follows within seconds, and no pull fails. Certificates under a CA rotate by themselves.

zot holds one key: replace its file and restart it right after the second step; what was signed before is refused.

  wharfgate keys rotate -c wharfgate.yaml ca
  wharfgate keys rotate -c wharfgate.yaml es256
  wharfgate keys rotate -c wharfgate.yaml --force es256`
}

// Run takes one step.
func (c *keysRotateCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	if c.Name == "" {
		names := gate.KeyNames(cfg)
		if len(names) != 1 {
			return &usageError{"say which keys: " + strings.Join(names, ", ")}
		}
		c.Name = names[0]
	}
	step, err := gate.RotateKeys(cfg, c.Name, c.Force)
	if err != nil {
		return err
	}
	services := gate.ServicesOf(cfg, c.Name)
	if c.JSON {
		return writeIndentedJSON(s.out, struct {
			Keys     string     `json:"keys"`
			Step     token.Step `json:"step"`
			Services []string   `json:"services"`
		}{c.Name, step, services})
	}
	_, err = fmt.Fprint(s.out, c.next(cfg, step, services))
	return err
}

// next says what was done, and what is to be done.
func (c *keysRotateCmd) next(cfg config.Config, step token.Step, services []string) string {
	several, single := holders(cfg, services)
	var b strings.Builder
	if step == token.StepActivated {
		fmt.Fprintf(&b, "%s: the next key signs now; the one before retires\n", c.Name)
		if len(single) > 0 {
			b.WriteString("\nNext, at once: give registries that hold one key the new file, and restart them; until then they refuse every token:\n")
			c.exports(&b, single)
		}
		return b.String()
	}
	fmt.Fprintf(&b, "%s: the next key is published; nothing signs with it yet\n\n", c.Name)
	early := ""
	if len(several) > 0 {
		b.WriteString("Next: give every registry the new file, and restart it:\n")
		c.exports(&b, several)
	} else {
		early = ", or with --force at once"
	}
	if len(single) > 0 {
		fmt.Fprintf(&b, "Next: nothing at %s, which holds one key, until the next one signs.\n", strings.Join(single, ", "))
	}
	fmt.Fprintf(&b, "Then, after keys.publish_for (%s)%s:\n  wharfgate keys rotate -c %s %s\n", cfg.Keys.PublishFor, early, c.Config, c.Name)
	return b.String()
}

// exports writes the commands that print what the registries must hold.
func (c *keysRotateCmd) exports(b *strings.Builder, services []string) {
	for _, service := range services {
		fmt.Fprintf(b, "  wharfgate keys export -c %s --service %s\n", c.Config, service)
	}
}

// holders tells registries whose file has the next key beside the present one from those that hold a single key.
func holders(cfg config.Config, services []string) (several, single []string) {
	for _, r := range cfg.Registries {
		if !slices.Contains(services, r.Service) {
			continue
		}
		if trust, err := gate.TrustOf(r, ""); err == nil && trust == registry.TrustKey {
			single = append(single, r.Service)
			continue
		}
		several = append(several, r.Service)
	}
	return several, single
}
