package policyimport

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// zotPolicy gives actions to users and groups.
type zotPolicy struct {
	Users   []string `json:"users,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	Actions []string `json:"actions"`
}

// zotRepository is what stands under one pattern.
type zotRepository struct {
	Policies        []zotPolicy `json:"policies,omitempty"`
	DefaultPolicy   []string    `json:"defaultPolicy,omitempty"`
	AnonymousPolicy []string    `json:"anonymousPolicy,omitempty"`
}

// zotAccess is the accessControl of zot.
type zotAccess struct {
	Repositories map[string]zotRepository `json:"repositories"`
	AdminPolicy  zotPolicy                `json:"adminPolicy"`
	Groups       map[string]struct {
		Users []string `json:"users"`
	} `json:"groups"`
}

// Zot converts the accessControl of a configuration of zot. Groups that the configuration defines are written out as
// their users; all others are groups of the directory.
func Zot(data []byte) (Result, error) {
	var file struct {
		HTTP struct {
			AccessControl *zotAccess `json:"accessControl"`
		} `json:"http"`
	}
	if len(data) > maxBytes {
		return Result{}, fmt.Errorf("%w: the file has more than %d MiB", ErrNoRules, maxBytes>>20)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return Result{}, fmt.Errorf("read JSON: %w", err)
	}
	access := file.HTTP.AccessControl
	if access == nil || len(access.Repositories) > maxEntries {
		return Result{}, fmt.Errorf("%w: it needs http.accessControl, of at most %d patterns", ErrNoRules, maxEntries)
	}
	d := document{title: "Made of the accessControl of zot, where the longest pattern that matches decides. Here all that match do.\n" +
		"Look at each rule and comment before you use it; groups that zot does not define are taken to be the directory's."}
	for _, pattern := range slices.Sorted(maps.Keys(access.Repositories)) {
		d.rules = append(d.rules, access.pattern(pattern)...)
	}
	d.rules = append(d.rules, access.admin()...)
	d.tests = sample(d.rules, access.answer)
	return d.settle(), nil
}

// pattern converts what stands under one pattern.
func (a *zotAccess) pattern(pattern string) []rule {
	repository := a.Repositories[pattern]
	problem := a.longer(pattern)
	repos, ok := doubleStar(pattern)
	if !ok {
		problem = "the pattern cannot be written as one of a policy"
	}
	var rules []rule
	add := func(name string, source any, who, except, actions []string) {
		text, err := json.Marshal(source)
		if err != nil {
			text = nil
		}
		r := rule{name: fmt.Sprintf("%q, %s", pattern, name), source: string(text), who: who, except: except, repos: repos}
		if r.actions, r.problem = zotActions(actions); problem != "" {
			r.problem = problem
		}
		if len(who) == 0 {
			r.problem = "it names nobody"
		}
		if len(actions) > 0 {
			rules = append(rules, r)
		}
	}
	for i, p := range repository.Policies {
		add(fmt.Sprintf("policy %d", i+1), p, a.people(p), nil, p.Actions)
	}
	add("defaultPolicy", repository.DefaultPolicy, []string{"signed-in"}, nil, repository.DefaultPolicy)
	add("anonymousPolicy", repository.AnonymousPolicy, []string{"anyone"}, []string{"signed-in"}, repository.AnonymousPolicy)
	return rules
}

// longer says which longer pattern decides in the place of this one; empty where there is none.
func (a *zotAccess) longer(pattern string) string {
	for _, other := range slices.Sorted(maps.Keys(a.Repositories)) {
		if other != pattern && len(other) >= len(pattern) && !apart(folder(other), folder(pattern)) {
			return fmt.Sprintf("%q decides about a part of it, and here both would count", other)
		}
	}
	return ""
}

// folder gives a glob that begins like everything that a pattern of zot matches: folder/** is folder, too.
func folder(pattern string) string {
	if before, ok := strings.CutSuffix(pattern, "/**"); ok {
		return before + "*"
	}
	return pattern
}

// admin converts the adminPolicy, which adds to all others.
func (a *zotAccess) admin() []rule {
	if len(a.AdminPolicy.Actions) == 0 {
		return nil
	}
	text, err := json.Marshal(a.AdminPolicy)
	if err != nil {
		text = nil
	}
	r := rule{name: "adminPolicy", source: string(text), who: a.people(a.AdminPolicy), repos: []string{"**"}}
	if r.actions, r.problem = zotActions(a.AdminPolicy.Actions); len(r.who) == 0 {
		r.problem = "it names nobody"
	}
	return []rule{r}
}

// people gives the subjects of a policy.
func (a *zotAccess) people(p zotPolicy) []string {
	var who []string
	add := func(s string) {
		if !slices.Contains(who, s) {
			who = append(who, s)
		}
	}
	for _, user := range p.Users {
		add("user:" + user)
	}
	for _, group := range p.Groups {
		defined, ok := a.Groups[group]
		if !ok {
			add("group:" + group)
		}
		for _, user := range defined.Users {
			add("user:" + user)
		}
	}
	return who
}

// zotActions converts actions, or says why it cannot be done.
func zotActions(words []string) (registry.Actions, string) {
	var a registry.Actions
	create, update := slices.Contains(words, "create"), slices.Contains(words, "update")
	if slices.Contains(words, "read") {
		a |= registry.Pull
	}
	if create && update {
		a |= registry.Push
	}
	if slices.Contains(words, "delete") {
		a |= registry.Delete
	}
	switch {
	case create != update:
		return 0, "it gives create or update alone, and a token knows only push"
	case a == 0:
		return 0, "its actions are none that a policy knows"
	case !a.Has(registry.Pull):
		return 0, "it gives writing without reading, and a policy gives pull with push and delete"
	default:
		return a, ""
	}
}

// doubleStar converts a pattern: there ** stands for no part, too.
func doubleStar(pattern string) ([]string, bool) {
	if strings.ContainsAny(pattern, `?[]{}\<>`) {
		return nil, false
	}
	all := []string{pattern}
	if before, ok := strings.CutSuffix(pattern, "/**"); ok {
		all = []string{before, pattern}
	} else if pattern != "**" && strings.Contains(pattern, "**") {
		return nil, false
	}
	return all, !slices.ContainsFunc(all, func(p string) bool { return !usable(p) })
}

// answer answers like zot. A push is a create and an update.
func (a *zotAccess) answer(q question) (registry.Actions, bool) {
	words := []string{"read"}
	switch q.action {
	case registry.Push:
		words = []string{"create", "update"}
	case registry.Delete:
		words = []string{"delete"}
	}
	longest := ""
	for _, pattern := range slices.Sorted(maps.Keys(a.Repositories)) {
		matched, known := zotMatch(pattern, q.name)
		if !known {
			return 0, false
		}
		if matched && len(pattern) == len(longest) {
			return 0, false // either may decide
		}
		if matched && len(pattern) > len(longest) {
			longest = pattern
		}
	}
	for _, word := range words {
		admin := a.named(a.AdminPolicy, q.who) && slices.Contains(a.AdminPolicy.Actions, word)
		if !admin && !a.permitted(a.Repositories[longest], q.who, word) {
			return 0, true
		}
	}
	return q.action, true
}

// permitted answers for one pattern and one action.
func (a *zotAccess) permitted(r zotRepository, who somebody, action string) bool {
	for _, p := range r.Policies {
		if slices.Contains(p.Actions, action) && a.named(p, who) {
			return true
		}
	}
	if who.user == "" {
		return slices.Contains(r.AnonymousPolicy, action)
	}
	return slices.Contains(r.DefaultPolicy, action)
}

// named reports whether a policy names somebody.
func (a *zotAccess) named(p zotPolicy, who somebody) bool {
	return slices.Contains(p.Users, who.user) || slices.ContainsFunc(p.Groups, func(group string) bool {
		return group == who.group || who.user != "" && slices.Contains(a.Groups[group].Users, who.user)
	})
}

// zotMatch matches a pattern; false where it is one of those that are not known here.
func zotMatch(pattern, name string) (matches, known bool) {
	if apart(folder(pattern), name) {
		return false, true
	}
	if _, ok := doubleStar(pattern); !ok {
		return false, false
	}
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/")), true
}

// matchParts matches part by part; ** takes any number of them.
func matchParts(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		return matchParts(pattern[1:], name) || len(name) > 0 && matchParts(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	matched, err := path.Match(pattern[0], name[0])
	return err == nil && matched && matchParts(pattern[1:], name[1:])
}
