package policyfile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// The bounds of what is asked and told about login names.
const (
	maxUsers     = 2000 // that a directory is asked for
	maxMovedTold = 3    // that one warning names
)

// users looks for login names that rules follow and that have been given to somebody else.
func (w *warner) users(ctx context.Context) {
	known := map[policy.UserName]KnownName{}
	remembered := w.remembered()
	for _, k := range remembered {
		known[policy.UserName{Directory: k.Directory, Name: k.Name}] = k
	}
	told := map[policy.UserName]bool{}
	for _, r := range w.policy.Rules() {
		for _, s := range slices.Concat(r.Who, r.Except) {
			n := policy.UserName{Directory: s.Directory, Name: identity.Fold(s.Name)}
			if s.Kind != policy.User || told[n] {
				continue
			}
			told[n] = true
			k := w.owner(ctx, r, n, known[n], len(told))
			if k.Now != "" {
				w.warn(r, WarnNameMoved, fmt.Sprintf("the login name %s of directory %q belonged to the account %s and belongs to %s now, and this rule follows the name",
					quoted(n.Name), n.Directory, k.ID, k.Now),
					fmt.Sprintf("write user-id:%s for the account that was meant, or user-id:%s for the one that has the name; where the rule may follow the name, run: wharfgate policy names --accept %s",
						k.ID, k.Now, n.Name))
			}
		}
	}
	w.folders(remembered)
}

// remembered gives whose login names are known.
func (w *warner) remembered() []KnownName {
	if w.document.options.KnownNames == nil {
		return nil
	}
	all, err := w.document.options.KnownNames()
	if err != nil {
		w.warnings = append(w.warnings, Fault{
			File: w.document.file, Code: WarnNotAsked, Message: "whose login names are could not be read, so nothing is said about names that moved on: " + err.Error(),
			Remedy: "run this as a user who may read state_dir",
		})
	}
	return all
}

// owner gives whose a name is, as it is remembered and, where a directory may be asked, as it is now.
func (w *warner) owner(ctx context.Context, r *policy.Rule, n policy.UserName, k KnownName, asked int) KnownName {
	o := &w.document.options
	if !o.AskAll || o.FindUser == nil || w.silent[n.Directory] || asked > maxUsers {
		return k
	}
	id, err := o.FindUser(ctx, n.Directory, n.Name)
	switch {
	case err != nil:
		w.unasked(n.Directory, "users", err)
	case id == "":
		remedy := "correct the name, or remove the rule: whoever gets the name next gets what it says"
		if k.ID != "" {
			remedy += "; the account that had it is user-id:" + k.ID
		}
		w.warn(r, WarnUnknownUser, fmt.Sprintf("directory %q has no account with the login name %s", n.Directory, quoted(n.Name)), remedy)
	case k.ID != "" && identity.Fold(id) != k.ID:
		k.Now = identity.Fold(id)
	case k.ID != "":
		k.Now = "" // back where it was
	}
	return k
}

// folders tells of names that have moved in directories whose names stand for <user>.
func (w *warner) folders(remembered []KnownName) {
	moved := map[string][]string{}
	for _, k := range remembered {
		if k.Now != "" {
			moved[k.Directory] = append(moved[k.Directory], k.Name)
		}
	}
	if len(moved) == 0 {
		return
	}
	type place struct {
		rule      *policy.Rule
		directory string
	}
	told := map[place]bool{}
	for c := range w.policy.Clauses() {
		at := place{c.Rule, c.UserDirectory}
		people := moved[c.UserDirectory]
		if c.Rule.Effect == policy.Cannot || !c.FollowsNames() || len(people) == 0 || told[at] {
			continue
		}
		told[at] = true
		list := strings.Join(people[:min(len(people), maxMovedTold)], ", ")
		if more := len(people) - maxMovedTold; more > 0 {
			list += fmt.Sprintf(" and %d more", more)
		}
		w.warn(c.Rule, WarnNameMoved, fmt.Sprintf("login names of directory %q belong to other accounts than before (%s), and <user> in %s gives these what was of those",
			c.UserDirectory, list, c.Pattern),
			"look through these folders, and give a person a folder by user-id: where it must not move; then run: wharfgate policy names --accept NAME")
	}
}
