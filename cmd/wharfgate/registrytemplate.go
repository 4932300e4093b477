package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

// render writes a snippet in a format.
func (sn *snippet) render(format string) (string, error) {
	var err error
	if format != "yaml" && format != "env" { // the others carry the configuration file
		if sn.Config, err = sn.render("yaml"); err != nil {
			return "", err
		}
	}
	text := yamlTemplate
	switch {
	case format == "env":
		text = envTemplate
	case format == "kubernetes":
		text = kubernetesTemplate
	case format == "compose" && sn.Zot:
		text = zotComposeTemplate
	case format == "compose":
		text = composeTemplate
	case sn.Zot:
		text = zotTemplate
	}
	t, err := template.New(format).Funcs(template.FuncMap{"indent": indent, "escape": escape, "dollars": dollars, "upper": strings.ToUpper, "name": resourceName, "base": base}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("parse the template: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, sn); err != nil {
		return "", fmt.Errorf("fill the template: %w", err)
	}
	return b.String(), nil
}

// indent puts n spaces before each line.
func indent(n int, text string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+pad)
}

// escape quotes a text for a compose file, where a dollar sign begins a variable.
func escape(text string) string { return dollars(strconv.Quote(text)) }

// dollars writes a text for a compose file, where a dollar sign begins a variable.
func dollars(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// base is the last part of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// resourceName makes a name for Kubernetes of a service.
func resourceName(service string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(service)), "-")
	const longest = 50
	return strings.TrimRight(name[:min(len(name), longest)], "-")
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
    {{.Key}}: {{printf "%q" .BundlePath}}
{{- if .V3}}
    signingalgorithms: [{{.Algorithm}}]
{{- end}}
`

const zotTemplate = `# Configuration of the registry {{.Service}}, whose tokens come from {{.Realm}}
# The certificate belongs to {{.BundlePath}}: wharfgate registry --format bundle
# zot checks neither issuer nor audience: no other registry may hold this key.
distSpecVersion: "1.1.1"
storage:
  rootDirectory: /var/lib/registry
http:
  address: 0.0.0.0
  port: "5000"
  auth:
    bearer:
      realm: {{printf "%q" .Realm}}
      service: {{printf "%q" .Service}}
      cert: {{printf "%q" .BundlePath}}
log:
  level: info
`

const envTemplate = `# Environment of the registry {{.Service}}, whose tokens come from {{.Realm}}
# The bundle belongs to {{.BundlePath}}: wharfgate registry --format bundle
REGISTRY_AUTH=token
REGISTRY_AUTH_TOKEN_REALM={{.Realm}}
REGISTRY_AUTH_TOKEN_SERVICE={{.Service}}
REGISTRY_AUTH_TOKEN_ISSUER={{.Issuer}}
REGISTRY_AUTH_TOKEN_{{upper .Key}}={{.BundlePath}}
REGISTRY_STORAGE_DELETE_ENABLED=true
`

const composeTemplate = `# Compose file of the registry {{.Service}}, whose tokens come from {{.Realm}}
services:
  registry:
    image: {{.Image}}
    restart: unless-stopped
    ports:
      - "5000:5000"
    environment:
      REGISTRY_AUTH: token
      REGISTRY_AUTH_TOKEN_REALM: {{escape .Realm}}
      REGISTRY_AUTH_TOKEN_SERVICE: {{escape .Service}}
      REGISTRY_AUTH_TOKEN_ISSUER: {{escape .Issuer}}
      REGISTRY_AUTH_TOKEN_{{upper .Key}}: {{escape .BundlePath}}
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

const zotComposeTemplate = `# Compose file of the registry {{.Service}}, whose tokens come from {{.Realm}}
services:
  registry:
    image: {{.Image}}
    restart: unless-stopped
    command: [serve, {{escape .ConfigPath}}]
    ports:
      - "5000:5000"
    configs:
      - source: zot
        target: {{escape .ConfigPath}}
      - source: wharfgate_key
        target: {{escape .BundlePath}}
    volumes:
      - registry:/var/lib/registry
configs:
  zot:
    content: |
{{indent 6 (dollars .Config)}}
  wharfgate_key:
    content: |
{{indent 6 .Bundle}}
volumes:
  registry: {}
`

const kubernetesTemplate = `# The registry {{.Service}} on Kubernetes, whose tokens come from {{.Realm}}
# Give it storage that lasts, and TLS in front, before it holds anything of value.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{name .Service}}
data:
  {{base .ConfigPath}}: |
{{indent 4 .Config}}
  {{base .BundlePath}}: |
{{indent 4 .Bundle}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{name .Service}}
spec:
  replicas: 1
  selector:
    matchLabels: {app: {{name .Service}}}
  template:
    metadata:
      labels: {app: {{name .Service}}}
    spec:
      automountServiceAccountToken: false
      containers:
        - name: registry
          image: {{.Image}}
          args: [{{if .Zot}}serve, {{end}}{{.ConfigPath}}]
          ports:
            - containerPort: 5000
          volumeMounts:
            - {name: config, mountPath: /etc/registry-config, readOnly: true}
            - {name: data, mountPath: /var/lib/registry}
      volumes:
        - name: config
          configMap: {name: {{name .Service}}}
        - name: data
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: {{name .Service}}
spec:
  selector: {app: {{name .Service}}}
  ports:
    - {port: 5000, targetPort: 5000}
`
