package policy

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// lack is the one condition beside who and repos that keeps a rule from applying; a smaller one is nearer.
type lack uint8

const (
	lackNothing  lack = iota
	lackEnded         // its until has passed
	lackBegin         // its since has not come yet
	lackNetwork       // the client is not in from
	lackRegistry      // the registry is not in on
	lackSeveral       // more than one of them
)

// reason gives the reason for an action that no rule gives.
func (l lack) reason() Reason {
	switch l {
	case lackEnded:
		return ReasonExpired
	case lackBegin:
		return ReasonTooEarly
	case lackNetwork:
		return ReasonWrongNetwork
	case lackRegistry:
		return ReasonOtherRegistry
	default:
		return ReasonNoRule
	}
}

// and adds a condition that fails, too.
func (l lack) and(other lack) lack {
	switch {
	case other == lackNothing:
		return l
	case l == lackNothing:
		return other
	default:
		return lackSeveral
	}
}

// isConditional reports whether the rule has a condition beside who and repos.
func (r *Rule) isConditional() bool {
	return len(r.On) > 0 || len(r.From) > 0 || !r.Since.IsZero() || !r.Until.IsZero()
}

// lack tells which condition beside who and repos a question does not meet. What is not known about a
// question opens nothing: it does not meet the condition of a can, and meets that of a cannot.
func (r *Rule) lack(q *query) lack {
	if !r.conditional {
		return lackNothing
	}
	missing := r.lackOfTime(q.now)
	if !r.isFrom(q.client) {
		missing = missing.and(lackNetwork)
	}
	if !r.isOn(q.service) {
		missing = missing.and(lackRegistry)
	}
	return missing
}

// lackOfTime looks at since and until.
func (r *Rule) lackOfTime(now time.Time) lack {
	switch {
	case r.Since.IsZero() && r.Until.IsZero():
		return lackNothing
	case now.IsZero() && r.Effect == Cannot:
		return lackNothing
	case now.IsZero(), !r.Until.IsZero() && !now.Before(r.Until):
		return lackEnded
	case now.Before(r.Since):
		return lackBegin
	default:
		return lackNothing
	}
}

// isFrom looks at the client's address.
func (r *Rule) isFrom(client netip.Addr) bool {
	if len(r.From) == 0 {
		return true
	}
	if !client.IsValid() {
		return r.Effect == Cannot
	}
	if client = client.Unmap(); client.Zone() != "" {
		client = netip.AddrFrom16(client.As16())
	}
	for i := range r.From {
		if r.From[i].Contains(client) {
			return true
		}
	}
	return false
}

// isOn looks at the registry.
func (r *Rule) isOn(service string) bool {
	if len(r.On) == 0 {
		return true
	}
	if service == "" {
		return r.Effect == Cannot
	}
	return slices.Contains(r.On, service)
}

// outlasts reports whether the rule ends later than another one that does end.
func (r *Rule) outlasts(other *Rule) bool {
	return !other.Until.IsZero() && (r.Until.IsZero() || r.Until.After(other.Until))
}

// lackCondition says what would have to be otherwise, as the words after "if".
func (q *query) lackCondition(r *Rule, l lack) string {
	switch l {
	case lackEnded:
		return "it had not ended " + lastMoment(r.Until)
	case lackBegin:
		return "it had begun; it begins " + moment(r.Since)
	case lackNetwork:
		at := "unknown"
		if q.client.IsValid() {
			at = q.client.String()
		}
		return "the client's address were in " + list(networks(r.From), "or") + "; it is " + at
	default:
		return "the registry were " + list(r.On, "or")
	}
}

// conditions says the conditions of a rule beside who and repos.
func (r *Rule) conditions() string {
	var b strings.Builder
	if len(r.From) > 0 {
		b.WriteString(" from " + list(networks(r.From), "or"))
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

// networks writes networks; one of a single address as that address.
func networks(all []netip.Prefix) []string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.String()
		if p.IsSingleIP() {
			texts[i] = p.Addr().String()
		}
	}
	return texts
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
