package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/names"
)

type policyNamesCmd struct {
	configFlag

	Accept []string `placeholder:"NAME" help:"Let the policy follow the name to the account that has it now; NAME@DIRECTORY where there are several directories."`
	All    bool     `help:"List every login name that is remembered."`
	JSON   bool     `help:"Print JSON."`
}

// Help gives examples.
func (*policyNamesCmd) Help() string {
	return `The running gate remembers whose a login name was that the policy follows, by user: or <user>. This lists the
names that belong to another account by now, with both ids, and asks no directory. Exit code 0; 1 where a name
that is to be accepted has not moved.

  wharfgate policy names -c wharfgate.yaml
  wharfgate policy names -c wharfgate.yaml --accept eve`
}

// remembered is one name in JSON.
type remembered struct {
	Directory string     `json:"directory"`
	Name      string     `json:"name"`
	ID        string     `json:"id"`
	Since     time.Time  `json:"since"`
	Now       string     `json:"now,omitempty"`
	NowSince  *time.Time `json:"now_since,omitempty"`
}

// Run lists, or accepts.
func (c *policyNamesCmd) Run(_ context.Context, s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	path := gate.NamesPath(cfg)
	all, err := names.Read(path)
	if err != nil {
		return err
	}
	for _, name := range c.Accept {
		o, err := movedName(all, name, cfg.DefaultDirectoryName())
		if err != nil {
			return err
		}
		if err := names.Accept(path, o, time.Now()); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.out, "accepted: %s of directory %s is the account %s now\n", visible(o.Name), o.Directory, visible(o.Now)); err != nil {
			return err
		}
	}
	if len(c.Accept) > 0 {
		return nil
	}
	return c.print(s, all)
}

// movedName finds a name that has moved.
func movedName(all []names.Owner, text, home string) (names.Owner, error) {
	for _, o := range all {
		full := o.Name + "@" + o.Directory
		if o.HasMoved() && (identity.Fold(text) == identity.Fold(full) || o.Directory == home && identity.Fold(text) == o.Name) {
			return o, nil
		}
	}
	return names.Owner{}, errors.New(visible(text) + ": no such login name belongs to another account than before; nothing was changed")
}

// print lists names.
func (c *policyNamesCmd) print(s streams, all []names.Owner) error {
	list := []remembered{}
	var text strings.Builder
	for _, o := range all {
		if !o.HasMoved() && !c.All {
			continue
		}
		one := remembered{Directory: o.Directory, Name: o.Name, ID: o.ID, Since: o.Since, Now: o.Now}
		fmt.Fprintf(&text, "%s of directory %s: account %s, seen since %s", visible(o.Name), o.Directory, visible(o.ID), o.Since.Format(time.RFC3339))
		if o.HasMoved() {
			one.NowSince = &o.NowSince
			fmt.Fprintf(&text, "; now account %s, seen since %s", visible(o.Now), o.NowSince.Format(time.RFC3339))
		}
		text.WriteByte('\n')
		list = append(list, one)
	}
	if c.JSON {
		return writeJSON(s.out, list)
	}
	if len(list) == 0 {
		text.WriteString("no login name that the policy follows is known to belong to another account than before\n")
	}
	_, err := fmt.Fprint(s.out, text.String())
	return err
}
