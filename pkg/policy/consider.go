package policy

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// consider notes a clause's rule where it applies and is the first to give or take something wanted.
func (d *decider) consider(c *clause, g *identity.Group) {
	if c.number > d.settled[c.effect] {
		return
	}
	r, slots := c.rule, &d.out.grants
	if c.effect == Cannot {
		slots = &d.out.denies
	}
	news := registry.Actions(0)
	for i := range actionCount {
		if c.actions&d.want&action(i) != 0 && (slots[i] == nil || slots[i].Number > r.Number || d.ends.last[i] != nil && r.outlasts(d.ends.last[i])) {
			news |= action(i)
		}
	}
	if news == 0 {
		return
	}
	if missing := r.lack(&d.query); missing != lackNothing {
		d.considerLacking(c, g, c.actions&d.want, missing)
		return
	}
	if c.verdict(&d.query, g) != applies {
		return
	}
	for i := range actionCount {
		if news&action(i) == 0 {
			continue
		}
		if slots[i] == nil || slots[i].Number > r.Number {
			slots[i] = r
		}
		if c.effect == Can && (d.ends.last[i] == nil || r.outlasts(d.ends.last[i])) {
			d.ends.last[i] = r
		}
	}
	d.settle(slots, c.effect)
}

// settle looks whether any further rule could have something new to say: not if each wanted action has its
// rule, which gives it without an end or takes it.
func (d *decider) settle(slots *[actionCount]*Rule, e Effect) {
	highest := 0
	for i := range actionCount {
		switch {
		case d.want&action(i) == 0:
		case slots[i] == nil, e == Can && !d.ends.last[i].Until.IsZero():
			return
		default:
			highest = max(highest, slots[i].Number)
		}
	}
	d.settled[e] = number(highest)
}

// considerLacking notes a rule that would give something but for one condition, or that will take it away.
func (d *decider) considerLacking(c *clause, g *identity.Group, actions registry.Actions, missing lack) {
	r := c.rule
	if missing == lackSeveral || r.Effect == Cannot && missing != lackBegin {
		return
	}
	news := registry.Actions(0)
	for i := range actionCount {
		known := d.out.lacks[i] != lackNothing && d.out.lacks[i] <= missing
		if r.Effect == Cannot {
			known = d.ends.next[i] != nil && !r.Since.Before(d.ends.next[i].Since)
		}
		if actions&action(i) != 0 && !known {
			news |= action(i)
		}
	}
	if news == 0 || c.verdict(&d.query, g) != applies {
		return
	}
	for i := range actionCount {
		switch {
		case news&action(i) == 0:
		case r.Effect == Cannot:
			d.ends.next[i] = r
		default:
			d.out.lacks[i] = missing
		}
	}
}

// ends holds the rules that tell how long an action stays granted.
type ends struct {
	last [actionCount]*Rule // of the rules that give it the one that ends last
	next [actionCount]*Rule // of the rules that will take it away the one that begins first
}

// until tells when some of what is granted ends.
func (e *ends) until(granted registry.Actions) time.Time {
	var end time.Time
	for i := range actionCount {
		if granted&action(i) == 0 {
			continue
		}
		end = sooner(end, e.last[i].Until)
		if e.next[i] != nil {
			end = sooner(end, e.next[i].Since)
		}
	}
	return end
}

// sooner gives the first of two moments; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
