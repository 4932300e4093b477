package policy

import (
	"strings"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Sentence says in plain words what the rule says, as in: Group payments can push to payments/**.
func (r *Rule) Sentence() string {
	who := subjects(r.Who)
	verb := " can "
	if r.Effect == Cannot {
		verb = " cannot "
	}
	switch who {
	case "anyone":
		who = "Anyone"
		if r.Effect == Cannot {
			who, verb = "Nobody", " can "
		}
	case "everyone signed in":
		who = "Everyone signed in"
		if r.Effect == Cannot {
			who, verb = "Nobody signed in", " can "
		}
	}
	if len(r.Except) > 0 {
		who += " except " + subjects(r.Except)
	}
	return strings.ToUpper(who[:1]) + who[1:] + verb + r.what() + r.conditions() + "."
}

// subjects lists subjects, each text once.
func subjects(who []Subject) string {
	var groups, users, accounts, robots, others []string
	seen := map[string]bool{}
	for i := range who {
		s := &who[i]
		if seen[s.Text] {
			continue
		}
		seen[s.Text] = true
		switch {
		case s.Kind == Anyone:
			return "anyone" // says it all
		case s.Kind == SignedIn:
			others = append(others, "everyone signed in")
		case s.Kind == User:
			users = append(users, s.short())
		case s.Kind == UserID:
			accounts = append(accounts, s.short())
		case s.Kind == Robot:
			robots = append(robots, s.short())
		case s.template != nil:
			others = append(others, "every group "+s.short())
		default:
			groups = append(groups, s.short())
		}
	}
	all := others
	if len(groups) > 0 {
		all = append(all, plural("group", groups))
	}
	if len(users) > 0 {
		all = append(all, plural("user", users))
	}
	if len(accounts) > 0 {
		all = append(all, plural("account", accounts))
	}
	if len(robots) > 0 {
		all = append(all, plural("robot", robots))
	}
	return list(all, "and")
}

// short gives the subject as written, without its kind.
func (s *Subject) short() string {
	_, name, ok := strings.Cut(s.Text, ":")
	if !ok {
		return s.Text
	}
	return name
}

// plural puts a noun before names.
func plural(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + list(names, "and")
}

// what says the actions and where they are possible.
func (r *Rule) what() string {
	if r.Actions == registry.Catalog && !r.Everything {
		return "list the catalog"
	}
	where := make([]string, len(r.Repos))
	for i := range r.Repos {
		where[i] = r.Repos[i].String()
	}
	repos := list(where, "and")
	single, several := "in "+repos, "in "+repos
	if len(r.Repos) == 1 && r.Repos[0].isEverywhere() {
		single, several = "everywhere", "everywhere"
	}
	if r.Everything {
		return "do everything " + several
	}
	switch r.Actions &^ registry.Catalog {
	case registry.Pull:
		single = "pull " + strings.TrimPrefix(single, "in ")
	case registry.Push:
		single = "push " + strings.Replace(single, "in ", "to ", 1)
	case registry.Delete:
		single = "delete " + single
	default:
		single = list(actionWords(r.Actions), "and") + " " + several
	}
	if r.Actions.Has(registry.Catalog) {
		single += ", and list the catalog"
	}
	return single
}

// actionWords names the repository actions in the order in which people say them.
func actionWords(a registry.Actions) []string {
	var words []string
	for _, w := range []string{"pull", "push", "delete"} {
		if a.Has(registry.ParseAction(w)) {
			words = append(words, w)
		}
	}
	return words
}

// list joins words as prose does.
func list(words []string, conjunction string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " " + conjunction + " " + words[n-1]
	}
}
