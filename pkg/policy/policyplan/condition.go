package policyplan

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// condition is what else a rule demands, beside who, what and where.
type condition struct {
	except       []string // keys, sorted
	on           []string
	from         []netip.Prefix
	since, until time.Time
}

// newCondition reads the conditions of a rule; fill gives what the holes of who took.
func newCondition(r *policy.Rule, fill map[string]string) condition {
	c := condition{on: r.On, from: r.From, since: r.Since, until: r.Until}
	for i := range r.Except {
		c.except = append(c.except, exceptKey(&r.Except[i], fill))
	}
	slices.Sort(c.except)
	return c
}

// exceptKey gives a text that is equal for equal exceptions of one class.
func exceptKey(s *policy.Subject, fill map[string]string) string {
	if s.Kind != policy.GroupName {
		return subjectKey(s)
	}
	t := parseTemplate(s.Name)
	var b strings.Builder
	for i, h := range t.holes {
		b.WriteString(identity.Fold(t.literals[i]))
		value, ok := fill[h.name]
		if !ok {
			value = string([]byte{freeHole}) + h.name
		}
		b.WriteString(value + ":" + strings.Join(h.words, "|"))
	}
	b.WriteString(identity.Fold(t.literals[len(t.holes)]))
	return nameKey(b.String(), s.Directory)
}

// implies reports whether, for one principal, o holds whenever c does.
func (c *condition) implies(o *condition) bool {
	if len(o.on) > 0 && (len(c.on) == 0 || !all(c.on, func(s string) bool { return slices.Contains(o.on, s) })) {
		return false
	}
	if len(o.from) > 0 && (len(c.from) == 0 || !all(c.from, func(p netip.Prefix) bool { return within(p, o.from) })) {
		return false
	}
	if !o.since.IsZero() && c.since.Before(o.since) {
		return false
	}
	if !o.until.IsZero() && (c.until.IsZero() || c.until.After(o.until)) {
		return false
	}
	return all(o.except, func(key string) bool { return slices.Contains(c.except, key) })
}

// within reports whether one of the networks holds all addresses of p.
func within(p netip.Prefix, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool {
		return n.Bits() <= p.Bits() && n.Contains(p.Addr())
	})
}

// all reports whether something holds for every element.
func all[T any](list []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !holds(v) })
}

// conditions says the conditions of a rule for people.
func conditions(r *policy.Rule) string {
	var b strings.Builder
	if len(r.Except) > 0 {
		texts := make([]string, len(r.Except))
		for i := range r.Except {
			texts[i] = r.Except[i].Text
		}
		b.WriteString(" except as " + list(texts, "or"))
	}
	if len(r.From) > 0 {
		texts := make([]string, len(r.From))
		for i, p := range r.From {
			texts[i] = p.String()
		}
		b.WriteString(" from " + list(texts, "or"))
	}
	if len(r.On) > 0 {
		b.WriteString(" on " + list(r.On, "and"))
	}
	if !r.Since.IsZero() {
		b.WriteString(" since " + moment(r.Since))
	}
	if !r.Until.IsZero() {
		b.WriteString(" until " + lastMoment(r.Until))
	}
	return b.String()
}

// moment writes a time; the beginning of a day as that day.
func moment(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// lastMoment writes the end of a rule; the end of a day as that day.
func lastMoment(t time.Time) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}
