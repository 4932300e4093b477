package policyplan

import (
	"maps"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// maxExpanded bounds the ways in which the listed words of one group name are written out.
const maxExpanded = 64

// template is the short name of a group, with or without holes.
type template struct {
	literals []string
	holes    []hole
}

// hole is one hole; words is empty where it takes any.
type hole struct {
	name, text string
	words      []string
}

// parseTemplate reads a name that the policy language has accepted.
func parseTemplate(name string) template {
	var t template
	for {
		before, rest, ok := strings.Cut(name, "<")
		t.literals = append(t.literals, before)
		inside, after, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			return t
		}
		h := hole{text: "<" + inside + ">"}
		var words string
		var listed bool
		if h.name, words, listed = strings.Cut(inside, ":"); listed {
			h.words = strings.Split(words, "|")
		}
		t.holes = append(t.holes, h)
		name = after
	}
}

// variant is a subject with its listed words written out: one of the classes that it stands for.
type variant struct {
	key  string
	who  string
	fill map[string]string // by hole
}

// variants gives the classes that a subject stands for.
func variants(s *policy.Subject) []variant {
	if s.Kind != policy.GroupName || !strings.Contains(s.Name, "<") {
		v := variant{key: subjectKey(s), who: s.Text, fill: map[string]string{policy.UserHole: string([]byte{userHole})}}
		if s.Kind == policy.User {
			v.fill[policy.UserHole] = identity.Fold(s.Name)
		}
		return []variant{v}
	}
	t := parseTemplate(s.Name)
	fills := []map[string]string{{}}
	names := []string{""}
	whos := []string{s.Text}
	symbol := firstHole
	for i, h := range t.holes {
		values, expand := h.words, len(h.words)*len(fills) <= maxExpanded
		if len(h.words) == 0 || !expand {
			values = []string{string([]byte{symbol})}
			symbol++
		}
		var nextFills []map[string]string
		var nextNames, nextWhos []string
		for j := range fills {
			for _, value := range values {
				fill := map[string]string{h.name: value}
				maps.Copy(fill, fills[j])
				who, key := whos[j], value
				if len(h.words) > 0 && expand {
					who = strings.Replace(who, h.text, value, 1)
				} else if len(h.words) > 0 {
					key = value + ":" + strings.Join(h.words, "|")
				}
				nextFills = append(nextFills, fill)
				nextNames = append(nextNames, names[j]+identity.Fold(t.literals[i])+key)
				nextWhos = append(nextWhos, who)
			}
		}
		fills, names, whos = nextFills, nextNames, nextWhos
	}
	result := make([]variant, len(fills))
	for j := range fills {
		fills[j][policy.UserHole] = string([]byte{userHole})
		name := names[j] + identity.Fold(t.literals[len(t.holes)])
		result[j] = variant{key: nameKey(name, s.Directory), who: whos[j], fill: fills[j]}
	}
	return result
}

// subjectKey gives a text that is equal for subjects that name the same.
func subjectKey(s *policy.Subject) string {
	switch s.Kind {
	case policy.Anyone:
		return "anyone"
	case policy.SignedIn:
		return "signed-in"
	case policy.User:
		return "user:" + identity.Fold(s.Name) + "@" + s.Directory
	case policy.UserID:
		return "user-id:" + strings.ToLower(s.Name) + "@" + s.Directory
	case policy.Robot:
		return "robot:" + identity.Fold(s.Name)
	case policy.GroupDN:
		dn, err := identity.NormalDN(s.Name)
		if err != nil {
			dn = s.Name
		}
		return "dn:" + dn + "@" + s.Directory
	case policy.GroupID:
		return "id:" + strings.ToLower(s.Name) + "@" + s.Directory
	default:
		return nameKey(identity.Fold(s.Name), s.Directory)
	}
}

// nameKey is the key of a group by its short name.
func nameKey(name, directory string) string { return "name:" + name + "@" + directory }
