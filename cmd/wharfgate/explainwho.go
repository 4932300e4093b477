package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// holding is one line of the list in JSON.
type holding struct {
	Effect    string   `json:"effect"`
	Subject   string   `json:"subject"`
	Directory string   `json:"directory,omitempty"`
	User      string   `json:"user,omitempty"`
	Except    []string `json:"except,omitempty"`
	Fits      string   `json:"fits,omitempty"`
	Actions   []string `json:"actions"`
	Rule      int      `json:"rule"`
	Position  string   `json:"position"`
	InForce   bool     `json:"in_force"`
	Lack      string   `json:"lack,omitempty"`
	Text      string   `json:"text"`
}

// who lists who can do what in the repository. It asks no directory: the policy names those whom it means.
func (c *explainCmd) who(ctx context.Context, s streams, cfg config.Config, asked authority.Question) error {
	p, err := readPolicy(ctx, s, cfg.Policy.File, offline(gate.PolicyOptions(cfg)))
	if err != nil {
		return err
	}
	if asked.At.IsZero() {
		asked.At = time.Now()
	}
	all := p.Who(policy.Request{Service: asked.Service, Scope: asked.Scopes[0], Client: asked.Client, Now: asked.At})
	if c.JSON {
		return writeJSON(s.out, map[string]any{"registry": asked.Service, "repository": c.Repo, "rules": holdings(all)})
	}
	return writeWho(s.out, c.Repo+" on "+asked.Service, all)
}

// holdings turns the list into what is printed for machines.
func holdings(all []policy.Holder) []holding {
	list := make([]holding, 0, len(all))
	for _, h := range all {
		one := holding{
			Effect: h.Rule.Effect.String(), Subject: h.Subject.Text, Directory: h.Subject.Directory, User: h.User, Fits: h.Fits,
			Actions: h.Actions.Names(), Rule: h.Rule.Number, Position: h.Rule.Position.String(),
			InForce: h.Lack == "", Lack: h.Lack, Text: h.Text(),
		}
		for i := range h.Except {
			one.Except = append(one.Except, h.Except[i].Text)
		}
		list = append(list, one)
	}
	return list
}

// writeWho prints the list: who can, who cannot, and who could.
func writeWho(w io.Writer, where string, all []policy.Holder) error {
	var can, cannot, could []string
	for _, h := range all {
		line := "  " + visible(h.Text())
		switch {
		case h.Rule.Effect == policy.Cannot:
			cannot = append(cannot, line)
		case h.Lack != "":
			could = append(could, line)
		default:
			can = append(can, line)
		}
	}
	lines := []string{where + ":"}
	switch {
	case len(all) == 0:
		lines = []string{"no rule speaks about " + where + ": nobody can do anything there"}
	case len(can) == 0:
		lines = append(lines, "  no rule that is in force gives anything")
	}
	lines = append(lines, can...)
	if len(cannot) > 0 {
		lines = append(append(lines, "taken away from whoever it is given to:"), cannot...)
	}
	if len(could) > 0 {
		lines = append(append(lines, "but for one condition:"), could...)
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}
