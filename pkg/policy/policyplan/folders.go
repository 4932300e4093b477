package policyplan

import (
	"maps"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// folders reports for which folders a hole that stands first in its pattern behaves differently: it keeps out
// of folders that other rules name, and those may have changed.
func (d *differ) folders(c *class) {
	if c.user != "" && c.user[0] != userHole && !strings.ContainsFunc(c.key, isSymbol) {
		return // nothing is left open
	}
	var guarded []*bound
	for _, v := range []*policyView{d.before, d.after} {
		if own := v.classes[c.key]; own != nil {
			for i := range own.clauses {
				if own.clauses[i].clause.Guarded() {
					guarded = append(guarded, &own.clauses[i])
				}
			}
		}
	}
	if len(guarded) == 0 {
		return
	}
	names := slices.Concat(d.before.policy.Folders(), d.after.policy.Folders())
	slices.Sort(names)
	for _, folder := range slices.Compact(names) {
		for _, texts := range d.entries(guarded, folder) {
			d.folder(c, folder, texts)
		}
	}
}

// isSymbol reports whether a rune of a key stands for a hole.
func isSymbol(r rune) bool { return r == '\uFFFD' } // a byte that is no text

// entries gives the values of the holes with which clauses would enter a folder, where not all of them keep out
// of it alike.
func (d *differ) entries(guarded []*bound, folder string) []map[byte]string {
	var entries []map[byte]string
	out, in := false, false
	for _, b := range guarded {
		first, _, _ := strings.Cut(b.language.text, "/")
		if b.vague {
			continue
		}
		found := unify(first, folder, map[byte]string{})
		if len(found) == 0 {
			continue
		}
		entries = append(entries, found...)
		if b.clause.Reserved(folder) {
			out = true
		} else {
			in = true
		}
	}
	if !out || !in {
		return nil
	}
	return entries
}

// unify gives every way in which the symbols of a part can stand for texts so that it is the folder's name.
func unify(part, folder string, have map[byte]string) []map[byte]string {
	if part == "" {
		if folder != "" {
			return nil
		}
		return []map[byte]string{maps.Clone(have)}
	}
	symbol := part[0]
	if symbol < firstHole {
		if folder == "" || folder[0] != symbol {
			return nil
		}
		return unify(part[1:], folder[1:], have)
	}
	if text, ok := have[symbol]; ok {
		if !strings.HasPrefix(folder, text) {
			return nil
		}
		return unify(part[1:], folder[len(text):], have)
	}
	var all []map[byte]string
	for n := 1; n <= len(folder); n++ {
		if legalPart(folder[:n]) {
			have[symbol] = folder[:n]
			all = append(all, unify(part[1:], folder[n:], have)...)
			delete(have, symbol)
		}
	}
	return all
}

// folder compares the class with those values in the holes.
func (d *differ) folder(c *class, folder string, texts map[byte]string) {
	named := &class{
		key: replace(c.key, texts), kind: c.kind, directory: c.directory, name: replace(c.name, texts), user: replace(c.user, texts),
	}
	named.who = d.named(c, texts)
	if user, ok := texts[userHole]; ok && c.kind == policy.SignedIn {
		named.key, named.kind = "user:"+user+"@"+c.directory, policy.User
	}
	before, after := d.filled(c, folder, texts, d.before), d.filled(c, folder, texts, d.after)
	from, to := d.before.cover(named), d.after.cover(named)
	from, to = append(from, before.all), append(to, after.all)
	n := len(d.changes)
	d.report(named, after.guarded, from, to, Gains, Barred)
	d.report(named, before.guarded, to, from, Loses, Freed)
	for i := n; i < len(d.changes); i++ {
		v, why := d.after, "a folder that another rule names now"
		if d.changes[i].Kind == Gains {
			v, why = d.before, "a folder that no other rule names any more"
		}
		if v.keepsOut(c.key, folder) {
			d.changes[i].Because = why
		}
	}
}

// keepsOut reports whether a hole of the class keeps out of a folder.
func (v *policyView) keepsOut(key, folder string) bool {
	own := v.classes[key]
	return own != nil && slices.ContainsFunc(own.clauses, func(b bound) bool { return b.clause.Reserved(folder) })
}

// filling is a class with values in its holes.
type filling struct {
	all     *class
	guarded []bound // those that stand in the folder
}

// filled fills the holes of a class.
func (*differ) filled(c *class, folder string, texts map[byte]string, v *policyView) filling {
	f := filling{all: &class{key: c.key}}
	own := v.classes[c.key]
	if own == nil {
		return f
	}
	for i := range own.clauses {
		b, ok := own.clauses[i].refill(texts)
		if !ok {
			continue
		}
		f.all.add(b)
		if first, _, _ := strings.Cut(b.language.text, "/"); b.clause.Guarded() && first == folder {
			f.guarded = append(f.guarded, b)
		}
	}
	return f
}

// named gives a class with values in its holes as a policy would write it.
func (d *differ) named(c *class, texts map[byte]string) string {
	if text, ok := texts[userHole]; ok {
		if c.who == "signed-in" {
			return "user:" + text
		}
		return c.who + " as user:" + text
	}
	who := c.who
	for i := range d.representative(c.key).clauses {
		for hole, value := range d.representative(c.key).clauses[i].fill {
			if text, ok := texts[value[0]]; ok {
				who = strings.ReplaceAll(who, "<"+hole+">", text)
			}
		}
	}
	return who
}

// replace puts texts in the place of symbols.
func replace(s string, texts map[byte]string) string {
	for symbol, text := range texts {
		s = strings.ReplaceAll(s, string([]byte{symbol}), text)
	}
	return s
}
