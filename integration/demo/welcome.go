package main

import (
	"io"
	"strings"
	"text/tabwriter"
	"text/template"

	"github.com/wharfgate/wharfgate/integration/internal/company"
)

// welcomeText is what the demo prints. Tabs align columns.
const welcomeText = `Wharfgate is running, between a directory and a registry, all in this process:

  directory	ldap://{{.Directory}}	a small company, with its accounts and groups
  gate	http://{{.Gate}}	metrics at http://{{.Operator}}/metrics
  registry	{{.Registry}}	a real one (distribution 3) that trusts the gate

  account	password	groups	may
{{range .People}}  {{.Login}}	{{.Password}}	{{join .Groups}}	{{.May}}
{{end}}
Everyone may pull public/**, also without logging in; nobody may change releases/**.
In another terminal, with the client that you have, log in as alice, push to payments, and be refused at search:

docker:
  docker login {{.Registry}} -u alice -p wonderland
  docker pull {{.Registry}}/base/tiny:1
  docker tag {{.Registry}}/base/tiny:1 {{.Registry}}/payments/api:1
  docker push {{.Registry}}/payments/api:1
  docker tag {{.Registry}}/base/tiny:1 {{.Registry}}/search/api:1
  docker push {{.Registry}}/search/api:1

skopeo:
  skopeo login --tls-verify=false -u alice -p wonderland {{.Registry}}
  skopeo copy --src-tls-verify=false --dest-tls-verify=false docker://{{.Registry}}/base/tiny:1 docker://{{.Registry}}/payments/api:1
  skopeo copy --src-tls-verify=false --dest-tls-verify=false docker://{{.Registry}}/base/tiny:1 docker://{{.Registry}}/search/api:1

crane, here as: alias crane='go -C integration tool crane'
  crane auth login {{.Registry}} -u alice -p wonderland
  crane copy {{.Registry}}/base/tiny:1 {{.Registry}}/payments/api:1
  crane copy {{.Registry}}/base/tiny:1 {{.Registry}}/search/api:1

Why was that? Ask the gate, in the repository's folder:
  go run ./cmd/wharfgate explain -c {{.Config}} --user alice push search/api
  go run ./cmd/wharfgate explain -c {{.Config}} --user bob push search/api
  go run ./cmd/wharfgate explain -c {{.Config}} --user carol push releases/app

Who may do what is written in
  {{.Policy}}
Change it with an editor: it is in force when it is saved, and a mistake never replaces what was good.

Ctrl-C ends the demo and removes everything.
`

// welcome prints what runs and what to type.
func (d *demo) welcome(out io.Writer) error {
	t, err := template.New("welcome").Funcs(template.FuncMap{"join": join}).Parse(welcomeText)
	if err != nil {
		return err
	}
	const padding = 2
	columns := tabwriter.NewWriter(out, 0, 0, padding, ' ', 0)
	err = t.Execute(columns, map[string]any{
		"Directory": host(d.ports.Directory), "Gate": host(d.ports.Gate), "Operator": host(d.ports.Operator),
		"Registry": d.registry(), "People": company.People(), "Config": d.configFile(), "Policy": d.config.Policy.File,
	})
	if err != nil {
		return err
	}
	return columns.Flush()
}

func join(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}
