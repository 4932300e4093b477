package clients_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// TestP75_WhatClientsDo: each program does all that it can on both registries. What it can is a row of the page.
func TestP75_WhatClientsDo(t *testing.T) {
	t.Parallel()
	c := shared(t)
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			version := p.version(t)
			cells := make(map[string][]string)
			for _, service := range []string{service2, service3} {
				cells[service] = c.works(t, p, service)
			}
			if !slices.Equal(cells[service2], cells[service3]) {
				t.Errorf("on distribution 2.8 %q, on 3 %q, want the same", cells[service2], cells[service3])
			}
			thePage(t).check(t, "row "+p.name, row(append([]string{p.name}, cells[service3]...)...))
			thePage(t).note(t, "version "+p.name, row("`"+p.name+"`", version))
		})
	}
}

// row is a line of a table.
func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// works does everything with a program on one registry and returns the cells of its row.
func (c *company) works(t *testing.T, p program, service string) []string {
	t.Helper()
	host := c.up.hosts[service]
	tool := p.install(t)
	folder := "works/" + strings.ReplaceAll(p.name, " ", "-")
	from, to := folder+"/a", folder+"/b"
	ref, copied := host+"/"+from+":1", host+"/"+to+":1"
	ctx := t.Context()
	login := "yes"
	if !tool.LogsIn() {
		login = "-"
	}
	if out, err := tool.Login(ctx, host, "dana", c.directory.Password); err != nil {
		t.Fatalf("%s: log in: %v %s", service, err, out)
	}
	steps := []func() (string, error){
		func() (string, error) { return tool.Push(ctx, client.Image(t, 2), ref) },
		func() (string, error) {
			if p.name == "docker" { // which needs an engine to push
				return tool.Pull(ctx, host+"/"+image+":1")
			}
			return tool.Pull(ctx, ref)
		},
		func() (string, error) { return tool.Copy(ctx, ref, copied) },
		func() (string, error) { return holds("1")(tool.Tags(ctx, host+"/"+from)) },
		func() (string, error) { return holds(from)(tool.Catalog(ctx, host)) },
		func() (string, error) {
			if !tool.Deletes() {
				return "", client.ErrNoCommand
			}
			return tool.Delete(ctx, c.byDigest(t, ref))
		},
	}
	const mount = 2
	cells := []string{login}
	for i, step := range steps {
		out, err := step()
		cell := "yes"
		switch {
		case errors.Is(err, client.ErrNoCommand):
			cell = "-"
		case err != nil:
			cell = "no"
			t.Errorf("%s, step %d: %v\n%s", service, i, err, out)
		case i == mount:
			c.wantMount(t, service, from, to)
		}
		cells = append(cells, cell)
	}
	return cells
}

// holds adds to an outcome that the output must hold a text.
func holds(text string) func(string, error) (string, error) {
	return func(out string, err error) (string, error) {
		if err == nil && !strings.Contains(out, text) {
			err = fmt.Errorf("%q is not in what it printed", text)
		}
		return out, err
	}
}

// wantMount fails unless a token was asked for both repositories at once, as a mount needs it.
func (c *company) wantMount(t *testing.T, service, from, to string) {
	t.Helper()
	loopback.Eventually(t, soon, func() error {
		for _, r := range c.up.gate.Audit(t) {
			var names []string
			for _, s := range r.Scopes {
				names = append(names, s.Name)
			}
			if r.Service == service && slices.Contains(names, from) && slices.Contains(names, to) {
				return nil
			}
		}
		return fmt.Errorf("no token of %s was asked for %s and %s at once", service, from, to)
	})
}
