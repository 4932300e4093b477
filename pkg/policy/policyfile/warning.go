package policyfile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// The codes of warnings. It is a closed set, described in docs/reference/policy.md.
const (
	// WarnShadowed: a can whose actions a cannot takes away wherever it gives them.
	WarnShadowed Code = "shadowed"
	// WarnExpired: a rule that has ended.
	WarnExpired Code = "expired"
	// WarnOpen: a can that gives everybody more than pull, or something wherever they like.
	WarnOpen Code = "open-to-everybody"
	// WarnRepeated: a rule that says what an earlier one says.
	WarnRepeated Code = "repeated"
	// WarnCrossedHoles: <user> and the hole of a group name take the same folders.
	WarnCrossedHoles Code = "crossed-holes"
	// WarnBlockedHole: a group whose hole would take the name of a folder that another rule names.
	WarnBlockedHole Code = "blocked-hole"
	// WarnTestTime: a test without a time of its own fails now, and not at other times.
	WarnTestTime Code = "test-depends-on-time"
	// WarnUnknownGroup: the directory does not know a group.
	WarnUnknownGroup Code = "group-not-found"
	// WarnAmbiguousGroup: several groups have the name that is used, so that it matches none of them.
	WarnAmbiguousGroup Code = "group-not-unique"
	// WarnUnknownUser: the directory has no account of a login name.
	WarnUnknownUser Code = "user-not-found"
	// WarnNameMoved: a login name that a rule follows belongs to another account than before.
	WarnNameMoved Code = "name-moved"
	// WarnNotAsked: the directory could not be asked.
	WarnNotAsked Code = "directory-not-asked"
)

// WarningCodes lists the code of every warning.
func WarningCodes() []Code {
	return []Code{
		WarnShadowed, WarnExpired, WarnOpen, WarnRepeated, WarnCrossedHoles, WarnBlockedHole, WarnTestTime, WarnUnknownGroup,
		WarnAmbiguousGroup, WarnUnknownUser, WarnNameMoved, WarnNotAsked,
	}
}

// Warnings are what somebody should look at, in the order of the document. They block nothing.
type Warnings []Fault

// Text gives each warning with its line and a mark below it.
func (w Warnings) Text() string { return Faults(w).Text() }

// maxBlocked bounds the groups that could be blocked and are looked for.
const maxBlocked = 1000

// Report is what [Check] finds.
type Report struct {
	// Policy is the compiled document; nil where there are faults.
	Policy *policy.Policy
	// Faults are why the document would not be taken.
	Faults Faults
	// Warnings are given only where there are no faults.
	Warnings Warnings
	// Rules, Tests and Assertions count what could be read of the document.
	Rules, Tests, Assertions int
	// GroupsFound counts the groups that rules name and a directory knows; it is zero where none was asked.
	GroupsFound int
}

// Check reads a document like [ParseContext], and looks for what its author may not have meant. With
// [Options].AskAll it asks the directories for the groups of all rules, as long as ctx lasts.
func Check(ctx context.Context, name string, data []byte, o Options) Report {
	d, faults := read(name, data, o)
	r := Report{Rules: len(d.rules), Tests: len(d.trials)}
	for i := range d.trials {
		r.Assertions += len(d.trials[i].assertions)
	}
	h := newHolder(o)
	h.find(ctx, d.holds)
	r.Faults = append(faults, h.faults(d)...)
	if len(r.Faults) == 0 {
		r.Faults, r.Warnings = d.verify()
	}
	if len(r.Faults) > 0 {
		r.Faults, r.Warnings = r.Faults.sorted("faults"), nil
		return r
	}
	p, err := d.compile(h)
	if err != nil {
		r.Faults = Faults{{File: d.file, Code: CodeYAML, Message: err.Error()}}
		return r
	}
	w := warner{document: d, policy: p, known: map[groupRef][]identity.Group{}, silent: map[string]bool{}}
	w.remarks(o.now())
	w.groups(ctx)
	w.users(ctx)
	w.blocked(ctx)
	r.GroupsFound = w.found
	r.Policy, r.Warnings = p, Warnings(Faults(append(r.Warnings, w.warnings...)).sorted("warnings"))
	return r
}

// now gives the time.
func (o *Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// warner looks for what is worth a warning.
type warner struct {
	document *document
	policy   *policy.Policy
	warnings Warnings
	found    int                           // groups that rules name
	known    map[groupRef][]identity.Group // the groups of a name
	silent   map[string]bool               // directories that did not answer
}

// warn notes a warning about a rule.
func (w *warner) warn(r *policy.Rule, code Code, message, remedy string) {
	p := parser{file: w.document.file, source: w.document.source}
	p.at(r.Position.Line, r.Position.Column, 1, code, message, remedy)
	w.warnings = append(w.warnings, p.faults...)
}

// remarks turns the remarks on rules into warnings.
func (w *warner) remarks(now time.Time) {
	for _, m := range w.policy.Remarks(now) {
		switch m.Kind {
		case policy.Shadowed:
			w.warn(m.Rule, WarnShadowed, place(m.Other)+" takes away whatever this rule is there for", "remove this rule, or narrow the other one with repos or except")
		case policy.Expired:
			w.warn(m.Rule, WarnExpired, "this rule has ended: "+sentence(m.Rule), "remove it, or write a later until")
		case policy.Repeated:
			w.warn(m.Rule, WarnRepeated, "this rule says what "+place(m.Other)+" says", "remove one of them")
		case policy.Crossed:
			w.warn(m.Rule, WarnCrossedHoles, "<user> takes the folders that "+place(m.Other)+" gives to groups: a person called payments gets the folder of the payments group",
				"put people into a folder of their own, as in users/<user>/**")
		default:
			w.warn(m.Rule, WarnOpen, "this is for everybody: "+sentence(m.Rule), "name groups, narrow repos, or write from; where it is meant, nothing")
		}
	}
}

// ask gives the groups of a name that a directory has; false where it does not answer.
func (w *warner) ask(ctx context.Context, ref groupRef) ([]identity.Group, bool) {
	if w.silent[ref.directory] {
		return nil, false
	}
	found, ok := w.known[ref]
	if ok {
		return found, true
	}
	found, err := w.document.options.FindGroup(ctx, ref.directory, ref.name)
	if err != nil {
		w.unasked(ref.directory, "groups", err)
		return nil, false
	}
	w.known[ref] = found
	return found, true
}

// places lists where groups are, a few of them.
func places(groups []identity.Group) string {
	const most = 5
	var dns []string
	for _, g := range groups[:min(len(groups), most)] {
		dns = append(dns, quoted(g.DN))
	}
	if len(groups) > most {
		dns = append(dns, "...")
	}
	return strings.Join(dns, ", ")
}

// unasked notes that a directory does not answer.
func (w *warner) unasked(directory, what string, err error) {
	w.silent[directory] = true
	w.warnings = append(w.warnings, Fault{
		File: w.document.file, Code: WarnNotAsked, Message: fmt.Sprintf("directory %q could not be asked for %s: %v", directory, what, err),
		Remedy: "look at the directory and the network, and check again",
	})
}

// groups looks for every group that a rule names.
func (w *warner) groups(ctx context.Context) {
	o := &w.document.options
	if !o.AskAll || o.FindGroup == nil {
		return
	}
	told := map[groupRef]bool{}
	for _, r := range w.policy.Rules() {
		for _, s := range slices.Concat(r.Who, r.Except) {
			ref := groupRef{directory: s.Directory, name: s.Name}
			if !s.IsGroup() || told[ref] {
				continue
			}
			told[ref] = true
			switch found, ok := w.ask(ctx, ref); {
			case !ok:
			case len(found) == 1:
				w.found++
			case len(found) == 0:
				w.warn(r, WarnUnknownGroup, fmt.Sprintf("directory %q does not know the group %s", ref.directory, quoted(ref.name)), "correct the name, or make the group")
			default:
				w.warn(r, WarnAmbiguousGroup, fmt.Sprintf("directory %q knows %d groups %s, so that the name matches none of them: %s", ref.directory, len(found), quoted(ref.name), places(found)), "write the DN or the id of the one that is meant")
			}
		}
	}
}

// blocked looks for groups whose hole would take the name of a folder that another rule names: groups that the
// document names, and with AskAll those of the directory.
func (w *warner) blocked(ctx context.Context) {
	o := &w.document.options
	named := w.document.names()
	for _, b := range w.policy.Blocked(maxBlocked) {
		is := named[groupRef{directory: b.Directory, name: b.Group}]
		if !is && o.AskAll && o.FindGroup != nil {
			found, ok := w.ask(ctx, groupRef{directory: b.Directory, name: b.Group})
			is = ok && len(found) > 0
		}
		if is {
			w.warn(b.Rule, WarnBlockedHole, fmt.Sprintf("this rule gives the group %s nothing in %s/, because %s names that folder", quoted(b.Group), b.Folder, place(b.By)),
				"list the word in the hole, as in <team:"+b.Folder+">, where it is meant; or give the folder another name")
		}
	}
}

// names lists the short names of groups that the document names, folded.
func (d *document) names() map[groupRef]bool {
	all := map[groupRef]bool{}
	for i := range d.rules {
		for _, s := range slices.Concat(d.rules[i].Who, d.rules[i].Except) {
			if s.Kind == policy.GroupName && s.IsGroup() {
				all[groupRef{directory: s.Directory, name: identity.Fold(s.Name)}] = true
			}
		}
	}
	for i := range d.trials {
		for _, g := range d.trials[i].who.Groups {
			all[groupRef{directory: d.trials[i].who.Source, name: cmp.Or(g.NameKey(), "\x00")}] = true
		}
	}
	return all
}

// sentence is what a rule says, to go on behind it.
func sentence(r *policy.Rule) string { return strings.TrimSuffix(r.Sentence(), ".") }
