package policyimport

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// aclEntry is one entry of docker_auth's acl.
type aclEntry struct {
	Match   *aclMatch `yaml:"match"`
	Actions []string  `yaml:"actions"`
	Comment string    `yaml:"comment,omitempty"`
}

// aclMatch says which requests an entry is about. All that is written must hold.
type aclMatch struct {
	Account *string           `yaml:"account,omitempty"`
	Type    *string           `yaml:"type,omitempty"`
	Name    *string           `yaml:"name,omitempty"`
	IP      *string           `yaml:"ip,omitempty"`
	Service *string           `yaml:"service,omitempty"`
	Labels  map[string]string `yaml:"labels,omitempty"`
	Others  map[string]any    `yaml:",inline"`
}

// DockerAuth converts the acl of a configuration of docker_auth. A label that is a word is taken to name a group of
// the directory.
func DockerAuth(data []byte) (Result, error) {
	if len(data) > maxBytes {
		return Result{}, fmt.Errorf("%w: the file has more than %d MiB", ErrNoRules, maxBytes>>20)
	}
	var file struct {
		ACL []aclEntry `yaml:"acl"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return Result{}, fmt.Errorf("read YAML: %w", err)
	}
	if len(file.ACL) == 0 || len(file.ACL) > maxEntries {
		return Result{}, fmt.Errorf("%w: it needs a list acl, of at most %d entries", ErrNoRules, maxEntries)
	}
	d := document{title: "Made of the acl of docker_auth, where the first entry that matches decides. Here the order has no effect.\n" +
		"Look at each rule and comment before you use it; groups are taken from labels."}
	for i := range file.ACL {
		if file.ACL[i].Match == nil {
			return Result{}, fmt.Errorf("%w: entry %d has no match, and docker_auth does not start with it", ErrNoRules, i+1)
		}
		d.rules = append(d.rules, file.ACL[i].rule(i+1))
	}
	orderFree(file.ACL, d.rules)
	d.tests = sample(d.rules, func(q question) (registry.Actions, bool) { return firstMatch(file.ACL, q) })
	return d.settle(), nil
}

// rule converts an entry, without regard to the others.
func (e *aclEntry) rule(number int) rule {
	source, err := yaml.Marshal(e)
	if err != nil {
		source = nil
	}
	r := rule{name: fmt.Sprintf("Entry %d", number), source: strings.TrimSpace(string(source)), comment: strings.TrimSpace(e.Comment)}
	for _, convert := range []func(*rule) string{e.kind, e.subject, e.name, e.condition, e.actions} {
		if r.problem = convert(&r); r.problem != "" {
			return r
		}
	}
	return r
}

// kind reads the type of the resource.
func (e *aclEntry) kind(r *rule) string {
	switch {
	case e.Match.Type == nil, *e.Match.Type == "repository":
		return ""
	case *e.Match.Type == "registry" && (e.Match.Name == nil || *e.Match.Name == "catalog" || *e.Match.Name == "*"):
		r.actions = registry.Catalog
		return ""
	default:
		return "a policy knows repositories and the catalog, no other type"
	}
}

// subject reads account and labels.
func (e *aclEntry) subject(r *rule) string {
	m := e.Match
	if len(m.Others) > 0 {
		return "it has a condition that is not known here"
	}
	if len(m.Labels) > 1 || len(m.Labels) == 1 && m.Account != nil && !everySignedIn(*m.Account) {
		return "who is somebody for whom two things hold at once, and a policy knows no \"and\""
	}
	for _, value := range m.Labels {
		if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`).MatchString(value) {
			return "the label is a pattern; name the groups, or write a hole as in group:team-<team>"
		}
		r.who = []string{"group:" + strings.TrimSpace(value)}
		return ""
	}
	if m.Name != nil {
		if label := regexp.MustCompile(`^\$\{labels:([^}]+)\}/`).FindString(*m.Name); label != "" && (m.Account == nil || everySignedIn(*m.Account)) {
			r.who = []string{"group:<group>"}
			return ""
		}
	}
	switch {
	case m.Account == nil || *m.Account == "*" || *m.Account == "/.*/":
		r.who = []string{"anyone"}
		if m.Name != nil && strings.Contains(*m.Name, "${account}") {
			r.who = []string{"signed-in"}
		}
	case *m.Account == "":
		r.who, r.except = []string{"anyone"}, []string{"signed-in"}
	case everySignedIn(*m.Account):
		r.who = []string{"signed-in"}
	default:
		return r.users(*m.Account)
	}
	return ""
}

// everySignedIn reports whether an account pattern is everybody who has a name.
func everySignedIn(p string) bool {
	return slices.Contains([]string{"?*", "/.+/", "/^.+$/", "/./"}, p)
}

// users reads an account that is one name, or ^(one|another)$.
func (r *rule) users(account string) string {
	names := []string{account}
	if isRegexp(account) {
		m := regexp.MustCompile(`^/\^\(?([A-Za-z0-9_|-]+)\)?\$/$`).FindStringSubmatch(account)
		if m == nil || strings.Contains(m[1], "|") != strings.Contains(account, "(") {
			return "the account is a regular expression; name the users, or a group"
		}
		names = strings.Split(m[1], "|")
	}
	for _, name := range names {
		if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(name) {
			return "the account is a pattern; name the users, or a group"
		}
		r.who = append(r.who, "user:"+name)
	}
	return ""
}

// name reads the repository.
func (e *aclEntry) name(r *rule) string {
	if r.actions == registry.Catalog {
		return ""
	}
	pattern := "**"
	if e.Match.Name != nil {
		pattern = *e.Match.Name
		if isRegexp(pattern) {
			var ok bool
			if pattern, ok = fromRegexp(pattern[1 : len(pattern)-1]); !ok {
				return "the name is a regular expression; a policy has * for a part and ** for all below"
			}
		} else {
			pattern = strings.ReplaceAll(pattern, "**", "*") // two stars stay within a part there
			pattern = strings.ReplaceAll(pattern, "${account}", "<user>")
			pattern = regexp.MustCompile(`^\$\{labels:[^}]+\}/`).ReplaceAllString(pattern, "<group>/")
		}
	}
	if strings.ContainsAny(pattern, `?[]\$`) || !usable(pattern) {
		return "the name cannot be written as a pattern of a policy"
	}
	r.repos = []string{pattern}
	return ""
}

// condition reads address and service.
func (e *aclEntry) condition(r *rule) string {
	if e.Match.IP != nil {
		p, ok := prefix(*e.Match.IP)
		if !ok {
			return "the ip is neither an address nor a network"
		}
		r.from = p.String()
	}
	if e.Match.Service != nil {
		if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._:-]*$`).MatchString(*e.Match.Service) {
			return "the service is a pattern"
		}
		r.on = *e.Match.Service
	}
	return ""
}

// actions reads the actions.
func (e *aclEntry) actions(r *rule) string {
	a := e.granted()
	if len(e.Actions) == 0 {
		r.deny = true
		if r.actions != registry.Catalog {
			r.actions = registry.Pull // and with it all else
		}
		return ""
	}
	switch {
	case r.actions == registry.Catalog && a&registry.Wildcard == 0:
		return "its actions are none of the catalog"
	case r.actions == registry.Catalog:
		return ""
	case a&registry.RepositoryActions == 0:
		return "its actions are none that a policy knows"
	case a&(registry.Push|registry.Delete) != 0 && !a.Has(registry.Pull):
		return "it gives push or delete without pull, and a policy gives pull with them"
	}
	r.actions = a & registry.RepositoryActions
	if e.Match.Type == nil && e.Match.Name == nil && a.Has(registry.Wildcard) {
		r.actions |= registry.Catalog
	}
	return ""
}

// granted gives the actions of an entry; a star alone is all of them.
func (e *aclEntry) granted() registry.Actions {
	if len(e.Actions) == 1 && e.Actions[0] == "*" {
		return registry.RepositoryActions | registry.Wildcard
	}
	var a registry.Actions
	for _, word := range e.Actions {
		a |= registry.ParseAction(word)
	}
	return a
}
