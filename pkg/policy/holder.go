package policy

import "fmt"

// Text says it in plain words, as in: group payments can pull and push (rule 4, policy.yaml:18).
func (h Holder) Text() string {
	var text string
	switch {
	case h.Rule.Effect == Cannot:
		text = h.cannot()
	case h.Lack != "":
		text = h.named(subjects([]Subject{h.Subject})) + " could " + h.what() + " if " + h.Lack
	default:
		text = h.named(subjects([]Subject{h.Subject})) + " can " + h.what()
	}
	if h.Lack == "" {
		text += h.Rule.conditions()
	}
	return fmt.Sprintf("%s (rule %d, %s)", text, h.Rule.Number, h.Rule.Position)
}

// what says the actions.
func (h Holder) what() string {
	if words := actionWords(h.Actions); len(words) > 0 {
		return list(words, "and")
	}
	return "list the catalog"
}

// cannot says it of those who have less.
func (h Holder) cannot() string {
	who, s := subjects([]Subject{h.Subject}), &h.Subject
	switch {
	case s.Unresolved:
		return h.named("nobody of directory "+s.Directory) + " can " + h.what() +
			", as the directory has not told the id of " + who + " yet"
	case s.Kind == Anyone:
		who = "nobody"
	case s.Kind == SignedIn && h.User == "":
		who = "nobody signed in"
	case s.template != nil && h.User == "":
		who = "nobody in a group " + s.short()
	case s.isGroupKind() && h.User == "":
		who = "nobody in " + who
	default:
		return h.named(who) + " cannot " + h.what()
	}
	return h.named(who) + " can " + h.what()
}

// named adds to words for the subject whom of those is meant.
func (h Holder) named(who string) string {
	switch {
	case h.User != "" && h.Subject.Kind == SignedIn:
		who = "user " + h.User
	case h.User != "" && h.Subject.template != nil:
		who = "user " + h.User + " in a group " + h.Subject.short()
	case h.User != "":
		who = "user " + h.User + " in " + who
	}
	if h.Fits != "" {
		who += " where the name fits " + h.Fits
	}
	if len(h.Except) > 0 {
		who += " except " + subjects(h.Except)
	}
	return who
}
