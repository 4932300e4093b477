package policyplan

import "github.com/wharfgate/wharfgate/pkg/policy"

// Notes says what a plan of those changes cannot know, in sentences for people, where it matters to them. A plan asks
// no directory.
func Notes(changes []Change) []string {
	var held, conditional bool
	ways := map[policy.SubjectKind]bool{}
	for i := range changes {
		r := changes[i].Rule
		held = held || holdsGroups(r)
		conditional = conditional || len(r.From) > 0
		for j := range r.Who {
			ways[r.Who[j].Kind] = true
		}
	}
	var notes []string
	byOther := ways[policy.GroupDN] || ways[policy.GroupID]
	if ways[policy.GroupName] && byOther || ways[policy.GroupDN] && ways[policy.GroupID] || ways[policy.User] && ways[policy.UserID] {
		notes = append(notes, "the directory was not asked which names, DNs and ids are one and the same group or account: each is listed as it is written")
	}
	if held {
		notes = append(notes, "the directory was not asked for the ids of groups: a group in a cannot, or that a can excepts, stays the same group when it is renamed, and until its id is known it counts as everybody of its directory")
	}
	if conditional {
		notes = append(notes, "where the gate does not know the address of a client, no can with from applies, and every cannot with from")
	}
	return notes
}

// holdsGroups reports whether a rule takes something from groups that are held by their ids.
func holdsGroups(r *policy.Rule) bool {
	closing := r.Who
	if r.Effect == policy.Can {
		closing = r.Except
	}
	for i := range closing {
		if closing[i].IsGroup() {
			return true
		}
	}
	return false
}

// Opened lists those of the changes that give something to somebody. Where only a can was taken away, they are due to
// folders that it kept holes out of.
func Opened(changes []Change) []Change {
	var all []Change
	for _, c := range changes {
		if c.Kind == Gains || c.Kind == Freed {
			all = append(all, c)
		}
	}
	return all
}
