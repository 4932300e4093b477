package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

type registryCmd struct {
	configFlag

	For        string `enum:"distribution,distribution2,distribution3" default:"distribution" placeholder:"KIND" help:"Registry software: distribution (2 and 3), distribution2 or distribution3."`
	Format     string `enum:"yaml,env,compose,bundle" default:"yaml" placeholder:"FORMAT" help:"yaml, env, compose, or bundle (the trusted certificate alone)."`
	Service    string `placeholder:"SERVICE" help:"Which of the configured registries; needed when there are several."`
	BundlePath string `default:"/etc/distribution/wharfgate.pem" placeholder:"PATH" help:"Where the registry will find the bundle."`
}

// Help gives examples.
func (*registryCmd) Help() string {
	return `The output is complete: with it and the bundle the registry trusts this gate and nothing else.

  wharfgate registry -c wharfgate.yaml --format bundle > wharfgate.pem
  wharfgate registry -c wharfgate.yaml --for distribution3 > config.yml
  wharfgate registry -c wharfgate.yaml --for distribution2 --format env > registry.env
  wharfgate registry -c wharfgate.yaml --format compose > compose.yaml`
}

// snippet is what the templates are filled with.
type snippet struct {
	Version    string // the registry's major version, for the image tag
	Realm      string
	Service    string
	Issuer     string
	Algorithm  string
	BundlePath string
	Bundle     string
	V3         bool
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
	t, err := template.New(c.Format).Funcs(template.FuncMap{"indent": indent, "escape": escape}).Parse(registryTemplate(c.Format))
	if err != nil {
		return fmt.Errorf("parse the template: %w", err)
	}
	return t.Execute(s.out, sn)
}

// snippet gathers what the templates need, and says what is missing.
func (c *registryCmd) snippet(cfg config.Config) (snippet, error) {
	i := 0
	if c.Service != "" {
		i = slices.IndexFunc(cfg.Registries, func(r config.Registry) bool { return r.Service == c.Service })
	}
	if i < 0 || c.Service == "" && len(cfg.Registries) != 1 {
		var names []string
		for _, r := range cfg.Registries {
			names = append(names, r.Service)
		}
		return snippet{}, &usageError{"say which registry with --service: " + strings.Join(names, ", ")}
	}
	if cfg.PublicURL == "" {
		return snippet{}, &usageError{"public_url is not set in " + c.Config + "; the registry must tell its clients where the gate is"}
	}
	bundle, err := gate.Bundle(cfg)
	if err != nil {
		return snippet{}, err
	}
	r := cfg.Registries[i]
	sn := snippet{
		Version: "3", Realm: strings.TrimSuffix(cfg.PublicURL, "/") + "/auth/token", Service: r.Service, Issuer: cfg.Issuer,
		Algorithm: r.Algorithm, BundlePath: c.BundlePath, Bundle: string(bundle), V3: c.For == "distribution3",
	}
	if c.For == "distribution2" {
		sn.Version = "2"
	}
	return sn, nil
}

// indent puts n spaces before each line.
func indent(n int, text string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+pad)
}

// escape quotes a text for a compose file, where a dollar sign begins a variable.
func escape(text string) string { return strings.ReplaceAll(strconv.Quote(text), "$", "$$") }

// registryTemplate gives the template of a format.
func registryTemplate(format string) string {
	switch format {
	case "env":
		return envTemplate
	case "compose":
		return composeTemplate
	default:
		return yamlTemplate
	}
}

const yamlTemplate = `# Configuration of the registry {{.Service}}, whose tokens come from {{.Realm}}
# The bundle belongs to {{.BundlePath}}: wharfgate registry --format bundle
version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: /var/lib/registry
  delete:
    enabled: true
http:
  addr: :5000
auth:
  token:
    realm: {{printf "%q" .Realm}}
    service: {{printf "%q" .Service}}
    issuer: {{printf "%q" .Issuer}}
    rootcertbundle: {{printf "%q" .BundlePath}}
{{- if .V3}}
    signingalgorithms: [{{.Algorithm}}]
{{- end}}
`

const envTemplate = `# Environment of the registry {{.Service}}, whose tokens come from {{.Realm}}
# The bundle belongs to {{.BundlePath}}: wharfgate registry --format bundle
REGISTRY_AUTH=token
REGISTRY_AUTH_TOKEN_REALM={{.Realm}}
REGISTRY_AUTH_TOKEN_SERVICE={{.Service}}
REGISTRY_AUTH_TOKEN_ISSUER={{.Issuer}}
REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE={{.BundlePath}}
REGISTRY_STORAGE_DELETE_ENABLED=true
`

const composeTemplate = `# Compose file of the registry {{.Service}}, whose tokens come from {{.Realm}}
services:
  registry:
    image: docker.io/library/registry:{{.Version}}
    restart: unless-stopped
    ports:
      - "5000:5000"
    environment:
      REGISTRY_AUTH: token
      REGISTRY_AUTH_TOKEN_REALM: {{escape .Realm}}
      REGISTRY_AUTH_TOKEN_SERVICE: {{escape .Service}}
      REGISTRY_AUTH_TOKEN_ISSUER: {{escape .Issuer}}
      REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE: {{escape .BundlePath}}
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
    configs:
      - source: wharfgate_bundle
        target: {{escape .BundlePath}}
    volumes:
      - registry:/var/lib/registry
configs:
  wharfgate_bundle:
    content: |
{{indent 6 .Bundle}}
volumes:
  registry: {}
`
