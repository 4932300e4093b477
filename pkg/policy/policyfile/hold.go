package policyfile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// groupRef is a group as a document names it.
type groupRef struct{ directory, name string }

// hold is a group in the who of a cannot or in the except of a can, to be held by the directory's id.
type hold struct {
	groupRef

	rule, subject int // where it stands in the document's rules
	except        bool
	node          *yaml.Node
}

// what names the word that must not miss anybody.
func (h *hold) what() string {
	if h.except {
		return "an except"
	}
	return "a cannot"
}

// state is what is known of a group.
type state struct {
	group    identity.Group // the one that is held
	held     bool
	missing  bool // the directory answered that there is none
	several  int  // the directory answered that there are several
	err      error
	vanished bool // held, and missing now
}

// holder knows the groups of the cannots. It is used by one goroutine at a time.
type holder struct {
	options Options
	states  map[groupRef]state
}

// newHolder gives a holder that knows nothing yet.
func newHolder(o Options) *holder { return &holder{options: o, states: map[groupRef]state{}} }

// find asks for every group, each once, as long as the budget lasts. What was held before stays held. The directories
// are asked at the same time, so that one that does not answer takes no time from the others.
func (h *holder) find(ctx context.Context, holds []hold) {
	budget := h.options.FindBudget
	if budget <= 0 {
		budget = defaultFindBudget
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	refs := byDirectory(holds)
	found := make([]map[groupRef]state, len(refs))
	var asked sync.WaitGroup
	for i := range refs {
		asked.Go(func() { found[i] = h.findIn(ctx, refs[i]) })
	}
	asked.Wait()
	for _, states := range found {
		maps.Copy(h.states, states)
	}
}

// byDirectory gives the groups of each directory, each group once.
func byDirectory(holds []hold) [][]groupRef {
	all, seen := map[string][]groupRef{}, map[groupRef]bool{}
	for _, ref := range holds {
		if !seen[ref.groupRef] {
			seen[ref.groupRef] = true
			all[ref.directory] = append(all[ref.directory], ref.groupRef)
		}
	}
	return slices.Collect(maps.Values(all))
}

// findIn asks for groups of one directory. Once it did not answer, it is asked no more.
func (h *holder) findIn(ctx context.Context, refs []groupRef) map[groupRef]state {
	found := make(map[groupRef]state, len(refs))
	var silent error
	for _, ref := range refs {
		s := h.ask(ctx, ref, silent)
		found[ref], silent = s, s.err
	}
	return found
}

// ask asks for one group, unless its directory is silent.
func (h *holder) ask(ctx context.Context, ref groupRef, silent error) state {
	s := h.states[ref]
	s.err, s.missing, s.several = silent, false, 0
	if h.options.FindGroup == nil || silent != nil {
		return s
	}
	found, err := h.options.FindGroup(ctx, ref.directory, ref.name)
	switch {
	case err != nil:
		s.err = err
	case len(found) == 1:
		s.group, s.held, s.vanished = found[0], true, false
	case len(found) == 0 && s.held:
		s.vanished = true
	case len(found) == 0:
		s.missing = true
	default:
		s.several = len(found)
	}
	return s
}

// apply gives a subject with what is known of its group.
func (h *holder) apply(ref hold, s policy.Subject) policy.Subject {
	known := h.states[ref.groupRef]
	if !known.held {
		s.Unresolved = true
		return s
	}
	return s.Hold(known.group)
}

// unresolved counts the groups whose id is not known.
func (h *holder) unresolved(holds []hold) int {
	open := map[groupRef]bool{}
	for _, ref := range holds {
		if !h.states[ref.groupRef].held {
			open[ref.groupRef] = true
		}
	}
	return len(open)
}

// faults reports the groups that the directory does not know, or knows several of.
func (h *holder) faults(d *document) Faults {
	p := &parser{file: d.file, source: d.source}
	seen := map[*yaml.Node]bool{}
	for _, ref := range d.holds {
		s := h.states[ref.groupRef]
		if seen[ref.node] {
			continue
		}
		seen[ref.node] = true
		switch {
		case s.missing:
			p.node(ref.node, CodeUnknownGroup, fmt.Sprintf("directory %q does not know the group %s, and %s must not miss anybody", ref.directory, quoted(ref.name), ref.what()),
				"look at the spelling; a group outside groups.base_dn is written by its DN or id; where the group is gone, remove the rule")
		case s.several > 0 && !s.held:
			p.node(ref.node, CodeAmbiguousGroup, fmt.Sprintf("directory %q knows %d groups %s, and %s must not miss anybody", ref.directory, s.several, quoted(ref.name), ref.what()),
				"write the DN or the id of the one that is meant")
		}
	}
	return p.faults
}
