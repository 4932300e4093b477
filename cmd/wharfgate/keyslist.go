package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/token"
)

type keysListCmd struct {
	configFlag

	JSON bool `help:"Print JSON."`
}

// Help gives examples.
func (*keysListCmd) Help() string {
	return `Reads the files of the keys and asks no running gate. States: standby is published and signs nothing yet, active signs,
retiring signs no more while its tokens are about, gone is deleted. The certificates under the CA are made and
renewed by the running gate; the metric wharfgate_signing_key_not_after_timestamp_seconds shows their ends.
Exit code 1 where keys cannot be read; the others are listed all the same.

  wharfgate keys list -c wharfgate.yaml
  wharfgate keys list -c wharfgate.yaml --json`
}

// Run lists the keys.
func (c *keysListCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	keys, err := gate.ListKeys(cfg)
	if c.JSON {
		if keys == nil {
			keys = []gate.ListedKey{}
		}
		return errors.Join(writeIndentedJSON(s.out, keys), err)
	}
	if len(keys) == 0 {
		return err
	}
	return errors.Join(printKeys(s.out, keys), err)
}

// printKeys shows keys in a table.
func printKeys(w io.Writer, keys []gate.ListedKey) error {
	const gap = 2
	t := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	if _, err := fmt.Fprintln(t, "KEYS\tSTATE\tALGORITHM\tID\tENDS\tREGISTRIES"); err != nil {
		return err
	}
	for _, k := range keys {
		algorithm, ends := k.Algorithm, "-"
		if algorithm == "" {
			algorithm = "-"
		}
		if !k.NotAfter.IsZero() {
			ends = k.NotAfter.UTC().Format(time.DateOnly)
		}
		if k.State == token.KeyRetiring {
			ends = k.RetireUntil.UTC().Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Keys, k.State, algorithm, k.ID, ends, strings.Join(k.Services, ", ")); err != nil {
			return err
		}
	}
	return t.Flush()
}
