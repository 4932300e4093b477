package main

import (
	"cmp"
	"io"
	"path"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

type registryCmd struct {
	configFlag

	For        string `enum:"configured,distribution,distribution2,distribution3.0,distribution3,zot" default:"configured" placeholder:"KIND" help:"Registry software, if another one than the configured kind: distribution (2 and 3), distribution2, distribution3.0, distribution3 or zot."`
	Format     string `enum:"yaml,env,compose,kubernetes,bundle" default:"yaml" placeholder:"FORMAT" help:"yaml, env, compose, kubernetes, or bundle (what the registry must hold, alone)."`
	Service    string `placeholder:"SERVICE" help:"Which of the configured registries; needed when there are several."`
	BundlePath string `placeholder:"PATH" help:"Where the registry will find the bundle; left out, beside its configuration."`
}

// Help gives examples.
func (*registryCmd) Help() string {
	return `The output is complete: with it and the bundle the registry trusts this gate and nothing else. The bundle is PEM
certificates, or a JWK Set where key_form says so.

  wharfgate registry -c wharfgate.yaml --format bundle > wharfgate.pem
  wharfgate registry -c wharfgate.yaml --for distribution3 > config.yml
  wharfgate registry -c wharfgate.yaml --for distribution2 --format env > registry.env
  wharfgate registry -c wharfgate.yaml --format compose > compose.yaml
  wharfgate registry -c wharfgate.yaml --format kubernetes > registry.k8s.yaml`
}

// snippet is what the templates are filled with.
type snippet struct {
	Image      string
	Realm      string
	Service    string
	Issuer     string
	Algorithm  string
	Key        string // the name of the setting that takes the bundle
	BundlePath string
	Bundle     string
	ConfigPath string
	Config     string // the whole configuration file, for formats that carry it
	V3, Zot    bool
}

// Run prints the registry's configuration.
func (c *registryCmd) Run(s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	sn, err := c.snippet(cfg)
	if err != nil {
		return err
	}
	if c.Format == "bundle" {
		_, err := io.WriteString(s.out, sn.Bundle)
		return err
	}
	if sn.Zot && c.Format == "env" {
		return &usageError{"zot reads no configuration from the environment; use --format yaml"}
	}
	text, err := sn.render(c.Format)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.out, text)
	return err
}

// snippet gathers what the templates need, and says what is missing.
func (c *registryCmd) snippet(cfg config.Config) (snippet, error) {
	if c.Service == "" && len(cfg.Registries) > 1 {
		c.Service = " " // no registry has it: which one must be said
	}
	r, err := pickRegistry(cfg, c.Service)
	if err != nil {
		return snippet{}, err
	}
	if cfg.PublicURL == "" {
		return snippet{}, &usageError{"public_url is not set in " + c.Config + "; the registry must tell its clients where the gate is"}
	}
	kind := registry.Kind(r.Kind)
	if c.For != "configured" {
		kind = registry.Kind(c.For)
	}
	if kind == registry.Distribution && r.KeyForm == "libtrust" {
		return snippet{}, &usageError{"distribution 2 takes this key as a bundle and distribution 3 as a JWK Set; say --for distribution2 or --for distribution3"}
	}
	trust, err := gate.TrustOf(r, kind)
	if err != nil {
		return snippet{}, err
	}
	bundle, err := gate.Trusted(cfg, r, trust)
	if err != nil {
		return snippet{}, err
	}
	sn := snippet{
		Realm: strings.TrimSuffix(cfg.PublicURL, "/") + "/auth/token", Service: r.Service, Issuer: cfg.Issuer,
		Algorithm: r.Algorithm, Bundle: string(bundle),
	}
	sn.software(kind, trust)
	if c.Format == "kubernetes" {
		sn.ConfigPath = path.Join("/etc/registry-config", path.Base(sn.ConfigPath))
		sn.BundlePath = path.Join("/etc/registry-config", path.Base(sn.BundlePath))
	}
	sn.BundlePath = cmp.Or(c.BundlePath, sn.BundlePath)
	return sn, nil
}

// software fills in what differs between kinds of registries.
func (sn *snippet) software(kind registry.Kind, trust registry.Trust) {
	folder := "/etc/distribution"
	sn.Image, sn.Key, sn.ConfigPath = "docker.io/library/registry:3", "rootcertbundle", folder+"/config.yml"
	switch kind {
	case registry.Distribution: // as it is
	case registry.Distribution2:
		sn.Image, sn.ConfigPath = "docker.io/library/registry:2", "/etc/docker/registry/config.yml"
	case registry.Distribution30:
		sn.Image, sn.V3 = "docker.io/library/registry:3.0", true
	case registry.Distribution3:
		sn.V3 = true
	case registry.Zot:
		folder = "/etc/zot"
		sn.Image, sn.Key, sn.ConfigPath, sn.Zot = "ghcr.io/project-zot/zot:latest", "cert", folder+"/config.yaml", true
	}
	sn.BundlePath = folder + "/wharfgate.pem"
	if trust == registry.TrustJWKS {
		sn.Key, sn.BundlePath = "jwks", folder+"/wharfgate.json"
	}
}
