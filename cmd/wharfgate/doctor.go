package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/doctor"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

const (
	// doctorTimeout bounds a whole look.
	doctorTimeout = 90 * time.Second
	// maxTrust bounds a file of certificates.
	maxTrust = 4 << 20
)

type doctorCmd struct {
	configFlag

	Registry       string `placeholder:"URL" help:"The registry to look at, such as https://registry.corp.example. Left out, only the gate is looked at."`
	User           string `placeholder:"NAME" help:"Log in with this account; its password comes from standard input. Left out, nobody logs in."`
	Service        string `placeholder:"SERVICE" help:"Which of the configured registries; needed when there are several."`
	RegistryConfig string `placeholder:"FILE" help:"The registry's configuration file, or a copy: names what is wrong in it."`
	Bundle         string `placeholder:"FILE" help:"What the registry holds: its rootcertbundle or JWK Set, if --registry-config does not lead to it."`
	CA             string `name:"ca" placeholder:"FILE" help:"PEM certificates of the authorities of the servers' certificates; left out, those of the system."`
	JSON           bool   `help:"Print JSON."`
}

// Help gives examples.
func (*doctorCmd) Help() string {
	return `Plays docker, containerd and the registry against the running gate at public_url, and names what does not fit, with the
remedy. Changes nothing, sends the password to the gate alone, and prints neither passwords nor tokens. Run it as the
gate's user where the gate's keys are. Exit code 0: no faults (warnings do not count); 1: faults.

  wharfgate doctor -c wharfgate.yaml --registry https://registry.corp.example
  wharfgate doctor -c wharfgate.yaml --registry https://registry.corp.example --user alice
  wharfgate doctor -c wharfgate.yaml --registry https://registry.corp.example --user alice --registry-config config.yml
  wharfgate doctor -c wharfgate.yaml --json`
}

// Run looks.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	o, err := c.options(cfg)
	if err != nil {
		return err
	}
	if c.User != "" {
		password, err := readPassword(s, c.User)
		if err != nil {
			return err
		}
		o.Credentials = &identity.Credentials{Username: c.User, Password: password}
	}
	o.Waiting = s.patience
	d, err := doctor.New(o)
	if err != nil {
		return &usageError{strings.TrimPrefix(err.Error(), "doctor: ")}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	return c.print(s.out, d.Run(ctx))
}

// options gathers what the gate's configuration and the flags say.
func (c *doctorCmd) options(cfg config.Config) (doctor.Options, error) {
	if c.Service == "" && len(cfg.Registries) > 1 {
		c.Service = " " // no registry has it: which one must be said
	}
	r, err := pickRegistry(cfg, c.Service)
	if err != nil {
		return doctor.Options{}, err
	}
	if cfg.PublicURL == "" {
		return doctor.Options{}, &usageError{"public_url is not set in " + c.Config + "; where clients reach the gate is not known"}
	}
	o := doctor.Options{
		Realm: strings.TrimSuffix(cfg.PublicURL, "/") + "/auth/token", Issuer: cfg.Issuer, Service: r.Service,
		Profile: registry.ProfileOf(registry.Kind(r.Kind)), Registry: c.Registry,
	}
	for _, other := range cfg.Registries {
		o.Services = append(o.Services, other.Service)
	}
	o.Trusted, o.TrustedError = trustedBy(cfg, r)
	if c.CA != "" {
		if o.Roots, err = roots(c.CA); err != nil {
			return doctor.Options{}, err
		}
	}
	o.Holds, err = c.holds()
	return o, err
}

// trustedBy gives what the registry should hold.
func trustedBy(cfg config.Config, r config.Registry) ([]byte, error) {
	trust, err := gate.TrustOf(r, "")
	if err != nil {
		return nil, err
	}
	return gate.Trusted(cfg, r, trust)
}

// roots reads the authorities of servers.
func roots(path string) (*x509.CertPool, error) {
	text, err := readTrust(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, &usageError{path + " holds no certificate in PEM"}
	}
	return pool, nil
}

// holds reads what the registry is configured with; nil if nobody says.
func (c *doctorCmd) holds() (*doctor.Holds, error) {
	var h *doctor.Holds
	if c.RegistryConfig != "" {
		var err error
		if h, err = doctor.ReadHolds(c.RegistryConfig); err != nil {
			return nil, &usageError{err.Error()}
		}
	}
	if c.Bundle == "" {
		return h, nil
	}
	text, err := readTrust(c.Bundle)
	if err != nil {
		return nil, err
	}
	if h == nil {
		h = &doctor.Holds{}
	}
	h.Trust, h.Missing = text, nil
	return h, nil
}

// readTrust reads a file of certificates.
func readTrust(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxTrust+1))
	if err == nil && len(text) > maxTrust {
		err = errors.New(path + " is too large for certificates")
	}
	return text, err
}

// print writes the findings in the order in which they were made, and what it comes to.
func (c *doctorCmd) print(w io.Writer, findings []doctor.Finding) error {
	faults := 0
	for _, f := range findings {
		if f.Status == doctor.Fault {
			faults++
		}
	}
	var err error
	if c.JSON {
		err = writeJSON(w, map[string]any{"ok": faults == 0, "findings": findings})
	} else {
		_, err = io.WriteString(w, report(w, findings)+verdict(faults)+"\n")
	}
	if err == nil && faults > 0 {
		err = errFaults
	}
	return err
}

// report gives one line a finding.
func report(w io.Writer, findings []doctor.Finding) string {
	severity := map[doctor.Status]gate.Severity{doctor.OK: gate.OK, doctor.Warning: gate.Warning, doctor.Fault: gate.Fault}
	var b strings.Builder
	for _, f := range findings {
		word := "not seen"
		if s, ok := severity[f.Status]; ok {
			word = paint(w, s)
		}
		fmt.Fprintf(&b, "%-8s %s: %s", word, f.Check, visible(f.Text))
		if f.Remedy != "" {
			b.WriteString(" -- " + visible(f.Remedy))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
